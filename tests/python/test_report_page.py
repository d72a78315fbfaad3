# SPDX-License-Identifier: Apache-2.0
"""The report page: complete, self-contained, and whole on desktop and phone."""

import html
import json
import re
import shutil
from pathlib import Path

import pytest
from etude.errors import UserError
from etude.report.page import write_page
from etude.result import load_result
from run_folder import GOLDEN, write_run


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = write_run(tmp_path_factory.mktemp("run"))
    return write_page(load_result(folder), folder)


def own_text(page: Path) -> str:
    """The page without plotly's own script."""
    return re.sub(r"<script>/\*\*.*?</script>", "", page.read_text(encoding="utf-8"), count=1, flags=re.S)


def test_page_shows_what_the_terminal_report_shows(page):
    text = own_text(page)
    result = json.loads(GOLDEN.read_text())
    for heading in (
        "Where the cycles went",
        "Layers over time",
        "What bounds the step",
        "Energy",
        "Area",
        "Memory",
        "Loss",
    ):
        assert f"<h2>{heading}</h2>" in text
    assert f"{result['step']['cycles']:,}" in text
    assert result["bounds"][0]["resource"] in text
    assert "Numbers checked" in text
    assert result["warnings"][0] in text


def marked(text: str) -> set[str]:
    """Names that stand marked in the section of assumptions."""
    section = re.search(r'<section id="assumptions".*?</section>', text, flags=re.S).group()
    return set(re.findall(r'<span class="assumed">(.*?)</span>', section))


def test_assumptions_behind_more_than_a_twentieth_are_marked(page, tmp_path):
    result = json.loads(GOLDEN.read_text())
    # the FP32 array was at work for 65,000 of 100,000 cycles; cells are most of the area of memories, so of all
    assert {"fp32_array", "array_clock", "area/sram_cell"} <= marked(own_text(page))
    assert "65.0 %" in own_text(page)
    for assumption in result["assumptions"]:
        assumption["notable"] = False
    text = own_text(write_page(result, tmp_path))
    assert marked(text) == set() and 'class="assumed"' not in text
    assert "No assumption makes more than 5 %" in text


def test_names_of_timing_assumptions_are_those_of_the_validation_page():
    validated = (GOLDEN.parents[2] / "docs" / "validation.md").read_text()
    source = (GOLDEN.parents[2] / "sim/report/assumptions.cpp").read_text()
    names = re.findall(r'\{"(\w+)",\s+(?:fp32|clock|worst_hart|stall|counters)', source)
    assert len(names) >= 8
    for name in names:
        assert f"- *{name}*:" in validated, name


def test_error_of_every_validated_block_is_on_the_page(page):
    text = own_text(page)
    summary = json.loads((GOLDEN.parents[2] / "results/validation/summary.json").read_text())
    assert "docs/validation.md</a>" in text
    for block in summary["blocks"].values():
        assert f">{html.escape(block['title'])}</td>" in text
        assert f">{block['points']:,}</td>" in text
    link = re.search(r'<a href="([^"]*)">docs/validation.md</a>', text).group(1)
    assert (page.parent / link).resolve() == GOLDEN.parents[2] / "docs" / "validation.md"


def test_page_asks_nothing_of_the_network(page):
    assert not re.search(r"""(src|href)\s*=\s*["']https?:""", own_text(page))


def test_failed_check_is_shown_with_its_lines(tmp_path):
    result = json.loads(GOLDEN.read_text())
    result["check"] |= {"passed": False, "failures": ["step 1: gradient <fc0.w> is off by 3.1e-2"]}
    text = own_text(write_page(result, tmp_path))
    assert "Numeric check FAILED" in text
    assert "gradient &lt;fc0.w&gt; is off" in text


def test_divergence_and_the_fmas_of_the_array_are_shown(page, tmp_path):
    text = own_text(page)
    assert "Training diverged" not in text
    assert "FMAs of the RedMulE array: 81.9 % useful, 0.0 % padded, 18.1 % idle" in text
    assert "at most 37.0 % of what is allowed" in text
    text = own_text(write_page({**json.loads(GOLDEN.read_text()), "diverged": 2}, tmp_path))
    assert "Training diverged" in text and "Not finite from step 2" in text


def test_area_and_ranges_are_on_the_page(page):
    text = own_text(page)
    result = json.loads(GOLDEN.read_text())
    for name, mark in result["area_bill"]["marks"].items():
        assert re.search(rf'<td class="name">{name}</td><td class="n">{result["area"][name]:.3f}</td>.*?{mark}', text)
    assert f"{result['step']['gflops_per_mm2']:.2f} GFLOP/s per mm²" in text
    assert "at the low or the high end of its range" in text


@pytest.mark.parametrize("damage", ["steps", "units", "area", "energy_bill", "simulator", "timeline"])
def test_a_damaged_result_is_one_line_and_no_page(tmp_path, damage):
    result = json.loads(GOLDEN.read_text())
    for broken in ({**result, damage: None}, {k: v for k, v in result.items() if k != damage}):
        with pytest.raises(UserError, match="run again"):
            write_page(broken, tmp_path)
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_page_fits_the_screen(page, width, height):
    chromium = shutil.which("chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright (scripts/setup.sh --tests)")
    if chromium is None:
        pytest.skip("needs chromium (scripts/setup.sh --tests)")
    requests, errors = [], []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        view = browser.new_page(viewport={"width": width, "height": height})
        view.on("request", lambda r: requests.append(r.url))
        view.on("pageerror", lambda e: errors.append(str(e)))
        view.goto(page.as_uri())
        view.wait_for_selector("#units .main-svg")
        assert view.evaluate("document.documentElement.scrollWidth") <= width
        for chart in ("units", "timeline", "bounds", "energy", "memory", "loss"):
            box = view.locator(f"#{chart} .main-svg").first.bounding_box()
            assert box["width"] > 0.6 * min(width, 560), chart
            assert box["x"] + box["width"] <= width, chart
        browser.close()
    assert errors == []
    assert [r for r in requests if not r.startswith(("file:", "data:", "blob:"))] == []
