# SPDX-License-Identifier: Apache-2.0
"""The report page: complete, self-contained, and whole on desktop and phone."""

import html
import json
import re
from pathlib import Path

import pytest
from browser import OUTSIDE, chromium
from etude.errors import UserError
from etude.report.layers import layers_csv
from etude.report.page import make_page, write_page
from etude.result import load_result
from run_folder import GOLDEN, with_l2, write_run


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = write_run(tmp_path_factory.mktemp("run"), with_l2(json.loads(GOLDEN.read_text())))
    return write_page(load_result(folder), folder)


def own_text(page: Path) -> str:
    """The page's text."""
    return page.read_text(encoding="utf-8")


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
        "Memory over time",
        "Schedule",
        "Array",
        "Loss",
        "Totals",
        "Layers",
        "Configuration",
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
    assert "<code>docs/validation.md</code>" in text
    for block in summary["blocks"].values():
        assert f">{html.escape(block['title'])}</td>" in text
        assert f">{block['points']:,}</td>" in text


def test_page_needs_nothing_beside_it(page):
    """It can be moved: every link leads to the page itself."""
    links = re.findall(r"""(?:src|href)\s*=\s*["']([^"']*)""", own_text(page))
    assert links and all(link.startswith("#") or link == "data:," for link in links)
    anchors = set(re.findall(r'id="([^"]+)"', own_text(page)))
    assert {link[1:] for link in links if link.startswith("#")} <= anchors


def test_page_says_what_was_asked(page):
    text = own_text(page)
    assert "To repeat it: <code>etude-sim run a.json --set /energy/extmem/byte/value=880</code>" in text
    assert "<code>/train/steps</code></td><td>2</td><td>1</td>" in text
    assert "<code>/energy/extmem/byte/value</code></td><td>880</td>" in text


def test_all_layers_and_their_totals_are_on_the_page(page):
    result = json.loads(GOLDEN.read_text())
    text = own_text(page)
    layers = re.search(r'<table id="layers".*?</table>', text, flags=re.S).group()
    for layer in result["layers"]:
        assert f'<td class="name">{layer["name"]}</td><td>{layer["op"]}</td>' in layers
    assert layers.count("<tr>") == 1 + len(result["layers"])
    totals = re.search(r'<table id="totals".*?</table>', text, flags=re.S).group()
    forward = sum(layer["cycles"] for layer in result["layers"] if layer["phase"] == "forward")
    assert (
        f'<td class="name"><b>all</b></td><td>forward</td><td class="n">3</td><td class="n">{forward:,}</td>' in totals
    )
    cells = [re.findall(r"<td[^>]*>(?:<b>)?(.*?)(?:</b>)?</td>", row) for row in totals.split("<tr>")[2:]]
    numbers = [[float(text.replace(",", "")) for text in row[2:]] for row in cells]
    phases = [n for row, n in zip(cells, numbers, strict=True) if row[0] == "all" and row[1] != "all"]
    groups = [n for row, n in zip(cells, numbers, strict=True) if row[0] != "all"]
    for parts in (phases, groups):  # every total is the sum of what is shown
        sums = [sum(column) for column in zip(*parts, strict=True)]
        assert numbers[0] == pytest.approx(sums, abs=0.01 * len(parts)) and numbers[0][1] == result["step"]["cycles"]
    lines = layers_csv(result).splitlines()
    assert len(lines) == 1 + len(result["layers"]) and lines[0].startswith("name,op,phase,unit,cycles,macs,energy_j")
    assert lines[1].split(",")[:5] == ["fc0", "Gemm", "forward", "redmule", "30000"]


def test_a_result_of_before_has_a_page_without_what_it_does_not_say(tmp_path):
    text = own_text(write_page(json.loads(GOLDEN.read_text()), tmp_path))
    assert "<h2>Layers</h2>" in text
    assert "<h2>Schedule</h2>" not in text and "<h2>Configuration</h2>" not in text


def test_failed_check_is_shown_with_its_lines(tmp_path):
    result = json.loads(GOLDEN.read_text())
    result["check"] |= {"passed": False, "failures": ["step 1: gradient <fc0.w> is off by 3.1e-2"]}
    text = own_text(write_page(result, tmp_path))
    assert "Numeric check FAILED" in text
    assert "gradient &lt;fc0.w&gt; is off" in text


def test_divergence_and_the_fmas_of_the_array_are_shown(page, tmp_path):
    text = own_text(page)
    assert "Training diverged" not in text
    assert "FMAs of the RedMulE array, times cycles: 81.9 % useful, 0.0 % padded, 18.1 % idle" in text
    assert "at most 37.0 % of what is allowed" in text
    text = own_text(write_page({**json.loads(GOLDEN.read_text()), "diverged": 2}, tmp_path))
    assert "Training diverged" in text and "Not finite from step 2" in text


def test_area_and_ranges_are_on_the_page(page):
    text = own_text(page)
    result = json.loads(GOLDEN.read_text())
    for name, mark in result["area_bill"]["marks"].items():
        assert re.search(rf'<td class="name">{name}</td><td class="n">{result["area"][name]:.3f}</td>.*?{mark}', text)
    parts = [area for name, area in result["area"].items() if name not in ("cluster", "total", "l2")]
    assert sum(parts) == pytest.approx(result["area"]["cluster"])
    for name in ("cluster", "total"):
        assert f'<b>{name}</b></td><td class="n"><b>{result["area"][name]:.3f}</b>' in text
    assert f"{result['step']['gflops_per_mm2']:.2f} GFLOP/s per mm²" in text
    assert "at the low or the high end of its range" in text


@pytest.mark.parametrize("damage", ["steps", "units", "area", "energy_bill", "simulator", "timeline"])
def test_a_damaged_result_is_one_line_and_no_page(tmp_path, damage):
    result = json.loads(GOLDEN.read_text())
    for broken in ({**result, damage: None}, {k: v for k, v in result.items() if k != damage}):
        with pytest.raises(UserError, match="run again"):
            write_page(broken, tmp_path)
    assert not (tmp_path / "report.html").exists()


def repeated(result: dict, times: int) -> dict:
    """A step that does `times` over what another does."""
    layers, cycles = len(result["layers"]), result["step"]["cycles"]

    def later(stay: dict, i: int) -> dict:
        moved = {key: stay[key] + i * cycles for key in ("from", "to", "ready", "leaves") if key in stay}
        moved |= {key: stay[key] + i * layers for key in ("first_layer", "last_layer") if key in stay}
        return {**stay, **moved, "name": f"stage{i}.{stay['name']}"}

    every = range(times)
    stays = [later(stay, i) for i in every for stay in result["l2"]["stays"] if stay["how"] != "home"]
    return {
        **result,
        "layers": [{**layer, "name": f"stage{i}.{layer['name']}"} for i in every for layer in result["layers"]],
        "timeline": [[n + i * layers, b + i * cycles, e + i * cycles] for i in every for n, b, e in result["timeline"]],
        "step": {**result["step"], "cycles": times * cycles},
        "l2": {**result["l2"], "stays": stays},
    }


def test_pages_are_small(page):
    assert page.stat().st_size < 100_000  # of 6 layers
    large = make_page(repeated(with_l2(json.loads(GOLDEN.read_text())), 600))
    assert len(large.encode()) < 2_000_000  # of 3600
    assert "The slowest 2,000 of 3,600;" in large


CHARTS = ("units", "timeline", "bounds", "array", "energy", "memory", "loss", "memory-time", "schedule")
PLACES = """names => Object.fromEntries(names.map(name => {
  const box = document.getElementById(name).getBoundingClientRect();
  return [name, [box.left, box.right, box.height]];
}))"""
# How much of a track its parts fill.
FILLED = """tracks => tracks.map(track => [...track.children].reduce(
  (sum, part) => sum + part.getBoundingClientRect().width, 0) / track.getBoundingClientRect().width)"""


def test_page_in_a_browser(page, tmp_path):
    """Whole at every width, without errors, from another folder; the search and the sorting work."""
    moved = tmp_path / "elsewhere.html"
    moved.write_bytes(page.read_bytes())
    requests, errors = [], []
    units = len(json.loads(GOLDEN.read_text())["units"])
    with chromium() as browser:
        for width, height in ((1280, 900), (800, 900), (390, 844)):
            view = browser.new_page(viewport={"width": width, "height": height})
            view.on("request", lambda r: requests.append(r.url))
            view.on("pageerror", lambda e: errors.append(str(e)))
            view.on("console", lambda m: errors.append(m.text))
            view.goto(moved.as_uri())
            assert view.evaluate("document.documentElement.scrollWidth") <= width
            for chart, (left, right, high) in view.evaluate(PLACES, list(CHARTS)).items():
                assert right - left > 0.6 * min(width, 560) and high > 40, chart
                assert right <= width, chart
            assert view.locator("#units .track").evaluate_all(FILLED) == pytest.approx([1.0] * units, abs=0.01)
            shown = view.locator("#memory-time svg:visible, #schedule svg:visible, #loss svg")
            assert shown.evaluate_all(f"all => all.map({OUTSIDE})") == [[], [], []]
            search_and_sort(view)
            view.close()
    assert errors == []
    assert [r for r in requests if not r.startswith(("file:", "data:", "blob:"))] == []


def search_and_sort(view) -> None:
    rows = view.locator("#layers tbody tr:visible")
    assert rows.count() == 6
    view.locator("#search").fill("BACKWARD redmule")
    assert rows.count() == 1 and "fc0.dw" in rows.first.text_content()
    assert view.locator("#found").text_content().startswith("1 of 6 layers: 30,000 cycles, 30.0 % of the step")
    view.locator("#search").fill("nothing of this name")
    assert rows.count() == 0
    view.locator("#search").fill("")
    head = view.locator("#layers th", has_text="cycles")
    cycles = "rows => rows.map(r => parseInt(r.cells[4].textContent.replace(',', '')))"
    head.click()
    assert rows.evaluate_all(cycles) == [30000, 30000, 25000, 5000, 5000, 5000]
    head.click()
    assert rows.evaluate_all(cycles) == [5000, 5000, 5000, 25000, 30000, 30000]
