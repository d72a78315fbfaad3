# SPDX-License-Identifier: Apache-2.0
"""The committed validation page and summary are what the committed results give."""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import validate  # noqa: E402
from validation import page  # noqa: E402

RESULTS = ROOT / "results" / "validation"


def test_page_and_summary_follow_from_the_results():
    order = list(validate.BLOCKS)
    assert page.render(RESULTS, order) == (ROOT / "docs" / "validation.md").read_text()
    assert page.summary(RESULTS, order) == json.loads((RESULTS / "summary.json").read_text())


def test_each_block_was_compared_and_says_what_is_behind_it():
    for name in validate.BLOCKS:
        block = json.loads((RESULTS / f"{name}.json").read_text())
        assert block["status"] in ("met", "missed"), name
        assert block["points"] > 0 and block["truth"] and block["command"].endswith(name)
        assert all((RESULTS / chart).read_text().startswith("<svg") for chart in block["charts"])
        for assumption in block["assumptions"]:
            assert set(assumption) == {"name", "text", "influence", "applies_to"}
