# SPDX-License-Identifier: Apache-2.0
"""docs/validation.md and summary.json, from the blocks' JSON files alone."""

import json
from pathlib import Path

from validation.tools import dump

FIGURES = "../results/validation"


def percent(value: float | None) -> str:
    if value is None:
        return ""
    return "0" if value == 0 else f"{100 * value:.3g} %"


def in_cycles(block: dict) -> bool:
    return "in cycles" in block.get("measure", "")


def figure(block: dict, value: float | None) -> str:
    """An error as the block counts it: percent, or cycles where it says so."""
    if not value or not in_cycles(block):
        return percent(value)
    return "1 cycle" if value == 1 else f"{value:.3g} cycles"


def table(header: list[str], rows: list[list[str]]) -> list[str]:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return lines + ["| " + " | ".join(str(cell).replace("|", "/") for cell in row) + " |" for row in rows]


def section(block: dict) -> list[str]:
    out = [f"## {block['title']}", ""]
    out += table(
        ["", ""],
        [
            ["Truth", block["truth"]],
            ["Source", block["source"]],
            ["Compared", block["measure"]],
            ["Required", block["required"]],
            ["Points", f"{block['points']}, {block['equal']} of them equal"],
            ["Error", f"mean {figure(block, block['mean_error'])}, max {figure(block, block['max_error'])}"],
            ["Status", status(block)],
            ["Repeat", f"`{block['command']}`"],
        ],
    )
    if block["groups"] and len(block["groups"]) <= 40:
        rows = [
            [
                group["group"],
                group["points"],
                group["equal"],
                figure(block, group["mean_error"]),
                figure(block, group["max_error"]),
                group["worst"],
            ]
            for group in block["groups"]
        ]
        out += ["", *table(["group", "points", "equal", "mean error", "max error", "largest at"], rows)]
    out += [""] + [f"- {note}" for note in block["notes"]] if block["notes"] else []
    for chart in block["charts"]:
        out += ["", f"![{block['title']}]({FIGURES}/{chart})"]
    if block["not_modelled"]:
        out += ["", "**Not modelled.** " + " ".join(block["not_modelled"])]
    if block["assumptions"]:
        out += ["", "**Assumed.**", ""]
        out += [f"- *{a['name']}*: {a['text']}. Influence: {a['influence']}." for a in block["assumptions"]]
    return out + [""]


def status(block: dict) -> str:
    beyond = block.get("beyond_limit", 0)
    return f"missed at {beyond} of {block['points']} points" if beyond else block["status"]


def missing(block: dict) -> list[str]:
    return [f"## {block['title']}", "", f"Not compared: {block['reason']}. Repeat: `{block['command']}`", ""]


def load(results: Path, order: list[str]) -> list[dict]:
    paths = [results / f"{name}.json" for name in order]
    return [json.loads(path.read_text()) for path in paths if path.exists()]


def render(results: Path, order: list[str]) -> str:
    """The page, from every block that has a record in `results`, in the given order."""
    blocks = load(results, order)
    lines = [
        "# How far to trust each figure",
        "",
        "Written by `scripts/validate.sh`, which runs every comparison against the recorded RTL (or the closed form, "
        "or the published figure) and keeps its numbers in results/validation/: one JSON and one CSV file per block, "
        "plots, summary.json. An error is (Etude - truth) / truth unless a block says otherwise.",
        "",
    ]
    rows = []
    for block in blocks:
        name = f"[{block['title']}](#{anchor(block['title'])})"
        if block["status"] == "not available":
            rows.append([name, "", "", "", "", "not compared"])
        else:
            errors = [figure(block, block[key]) for key in ("mean_error", "max_error")]
            rows.append([name, block["points"], block["equal"], *errors, status(block)])
    lines += [*table(["block", "points", "equal", "mean error", "max error", "required figure"], rows), ""]
    for block in blocks:
        lines += missing(block) if block["status"] == "not available" else section(block)
    return "\n".join(lines).rstrip() + "\n"


def summary(results: Path, order: list[str]) -> dict:
    """What a report needs of each block: figures, status and assumptions by name."""
    keys = ("title", "status", "beyond_limit", "points", "equal", "mean_error", "max_error", "assumptions")
    blocks = {}
    for block in load(results, order):
        unit = {"error_unit": "cycles" if in_cycles(block) else "relative"}
        blocks[block["block"]] = {key: block[key] for key in keys if key in block} | unit
    return {"schema": 1, "page": "docs/validation.md", "blocks": blocks}


def write(results: Path, page: Path, order: list[str]) -> None:
    page.write_text(render(results, order))
    dump(results / "summary.json", summary(results, order))


def anchor(title: str) -> str:
    """GitHub's anchor of a heading."""
    kept = "".join(c for c in title.lower() if c.isalnum() or c in " -")
    return kept.replace(" ", "-")
