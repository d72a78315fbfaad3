# SPDX-License-Identifier: Apache-2.0
"""How far to trust a report: what its totals stand on, and the error of each model against RTL."""

import json
from html import escape
from pathlib import Path

from etude.report.html import section, table

ROOT = Path(__file__).resolve().parents[3]
SUMMARY = ROOT / "results" / "validation" / "summary.json"
TOTALS = {"energy_j": "energy", "area_mm2": "area", "cycles": "cycles"}


def notable(result: dict, total: str | None = None) -> list[dict]:
    """The assumptions that make more than 5 % of a total, as the program marked them."""
    found = [a for a in result.get("assumptions", []) if a["notable"]]
    return [a for a in found if total in (None, a["total"])]


def mark(result: dict, total: str) -> str:
    """A sign for a figure that stands on notable assumptions; leads to them."""
    count = len(notable(result, total))
    if count == 0:
        return ""
    words = f"{count} assumption" + ("s" if count > 1 else "")
    return f' <a class="assumed" href="#assumptions">{words}</a>'


def assumptions(result: dict) -> str:
    """The section that names every assumption behind more than 5 % of a total."""
    found = notable(result)
    if not found:
        text = "No assumption makes more than 5 % of the step's cycles or energy, or of the area."
        return section("What is assumed", text, "", wide=True, name="assumptions")
    rows = [
        [
            f'<span class="assumed">{escape(a["name"])}</span>',
            TOTALS[a["total"]],
            f"{100 * a['share']:.1f} %",
            escape(a["text"]),
            f"<code>--set {escape(a['vary'])}=...</code>" if a["vary"] else "",
        ]
        for a in found
    ]
    text = (
        "Numbers without a measurement behind them that make more than 5 % of a total. For cycles the share is the "
        "time in which the unit works or waits: what is hidden under other work moves the total less."
    )
    head = ["assumption", "total", "share", "what is assumed", "to see its influence"]
    return section("What is assumed", text, table(head, rows, {2}), wide=True, name="assumptions")


def _error(block: dict, value: float | None) -> str:
    if not value:
        return "" if value is None else "0"
    if block.get("error_unit") == "cycles":
        return "1 cycle" if value == 1 else f"{value:.3g} cycles"
    return f"{100 * value:.3g} %"


def validation(summary: Path = SUMMARY) -> str:
    """Error of each model, from the committed validation; nothing if the tree is not at hand."""
    try:
        kept = json.loads(summary.read_text(encoding="utf-8"))
        blocks = [b for b in kept["blocks"].values() if b.get("points")]
        page = kept["page"]
    except (OSError, ValueError, KeyError):
        return ""
    rows = []
    for block in blocks:
        beyond = block.get("beyond_limit", 0)
        errors = [_error(block, block[key]) for key in ("mean_error", "max_error")]
        status = f"missed at {beyond} of {block['points']:,}" if beyond else escape(block["status"])
        rows.append([escape(block["title"]), f"{block['points']:,}", f"{block['equal']:,}", *errors, status])
    text = (
        "Each model against recorded RTL, a closed form or published figures, whatever this run uses of it. "
        f"What was compared, what is not modelled and what is assumed: <code>{escape(page)}</code> of the source tree."
    )
    head = ["block", "points", "equal", "mean error", "largest error", "required figure"]
    return section("How far to trust the models", text, table(head, rows, {1, 2, 3, 4}), wide=True, name="validation")
