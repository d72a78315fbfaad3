# SPDX-License-Identifier: Apache-2.0
"""One self-contained HTML page (no network) from a result."""

import contextlib
import errno
import os
from html import escape
from pathlib import Path
from string import Template

from etude.errors import MachineError, UserError
from etude.pictures.drawing import number
from etude.report import charts, trust, wear
from etude.report.configuration import configuration
from etude.report.html import section, table, tall
from etude.report.l2 import l2_sections
from etude.report.layers import layers_table, shown_layers, totals_table
from etude.result import engineering, share

HERE = Path(__file__).parent


def machine(result: dict) -> str:
    """The simulated hardware in one line."""
    p = result["platform"]
    array = p["redmule"]
    parts = [
        f"{p['cores']} cores" + (" + controller" if p["controller"] else ""),
        f"{p['l1_bytes'] // 1024} KiB L1 in {p['tcdm_banks']} banks",
        f"RedMulE {array['height']}×{array['width']} P{array['pipe']} {array['format']}" if array else "no RedMulE",
        p["dma"],
        f"{p['clock_hz'] / 1e6:g} MHz",
    ]
    return " · ".join(parts)


def _tiles(result: dict) -> str:
    step = result["step"]
    power = share(step["energy_j"], step["latency_s"])
    tiles = [
        ("cycles per step", f"{step['cycles']:,}", engineering(step["latency_s"], "s") + trust.mark(result, "cycles")),
        (
            "energy per step",
            engineering(step["energy_j"], "J"),
            (_range(step["energy_low_j"], step["energy_high_j"]) or f"{engineering(power, 'W')} on average")
            + trust.mark(result, "energy_j"),
        ),
        ("throughput", f"{number(step['samples_per_s'])} /s", "training samples"),
        ("speed", f"{step['flop_per_cycle']:.2f}", "FLOP per cycle"),
        ("efficiency", f"{share(step['flop'], step['energy_j']) / 1e9:.2f}", "GFLOP per joule"),
        (
            "area",
            f"{result['area_mm2']:.2f} mm²",
            f"cluster {result['area']['cluster']:.2f}, L2 {result['area']['l2']:.2f}" + trust.mark(result, "area_mm2"),
        ),
        ("for its area", f"{step['gflops_per_mm2']:.1f}", "GFLOP/s per mm² of the cluster"),
    ]
    return (
        '<div class="tiles">'
        + "".join(f'<div class="tile"><span>{n}</span><b>{v}</b><small>{s}</small></div>' for n, v, s in tiles)
        + "</div>"
    )


def _check(result: dict) -> str:
    check = result["check"]
    if check is None:
        text = "<p>The run was made with --no-verify.</p>"
        return f'<section class="check none"><h2>Numbers not checked</h2>{text}</section>'
    kind = "check" if check["passed"] else "check bad"
    title = "Numbers checked" if check["passed"] else "Numeric check FAILED"
    text = (
        f"{check['tensors']:,} tensors against {escape(check['reference'])}: largest error "
        f"{check['max_abs_error'] or 0:.2e} absolute, at most {100 * (check['error_of_allowed'] or 0):.1f} % of what "
        "is allowed."
    )
    if check["redmule_jobs"]:
        text += f" {check['redmule_jobs']:,} RedMulE jobs equal their replay bit for bit."
    failures = "".join(f"<li>{escape(f)}</li>" for f in check["failures"][:20])
    return (
        f'<section class="{kind}"><h2>{title}</h2><p>{text}</p>'
        + (f"<ul>{failures}</ul>" if failures else "")
        + "</section>"
    )


def _diverged(result: dict) -> str:
    if "diverged" not in result:
        return ""
    text = f"<p>Not finite from step {result['diverged']}: the run ended there.</p>"
    return f'<section class="check bad"><h2>Training diverged</h2>{text}</section>'


def _warnings(result: dict) -> str:
    if not result["warnings"]:
        return ""
    lines = "".join(f"<li>{escape(w)}</li>" for w in result["warnings"])
    return f'<section class="check warned"><h2>Warnings</h2><ul>{lines}</ul></section>'


def _bill(result: dict) -> str:
    total = result["energy"]["total"]
    marked = {a["name"] for a in trust.notable(result, "energy_j")}
    rows = []
    for term in sorted(result["energy_bill"]["terms"], key=lambda t: -t["energy_j"]):
        part = share(term["energy_j"], total)
        mark = escape(term["status"])
        if term["coefficient"] in marked:
            mark = f'<span class="assumed">{mark}</span>'
        # seconds and watts, not events
        leakage = term["component"] == "leakage" and term["coefficient"] != "static/background_cycle"
        rows.append(
            [
                escape(term["coefficient"]),
                engineering(term["count"], "s") if leakage else f"{term['count']:,.0f}",
                engineering(term["each_pj"] * 1e-12, "W") if leakage else f"{term['each_pj']:,.4g}",
                engineering(term["energy_j"], "J"),
                f"{100 * part:.1f} %",
                _range(term["low_j"], term["high_j"]),
                mark,
                escape(term["source"]),
            ]
        )
    head = ["coefficient", "events", "pJ each", "energy", "share", "range", "status", "source"]
    return table(head, rows, {1, 2, 3, 4, 5}, "bill")


def _range(low: float, high: float) -> str:
    return f"{engineering(low, 'J')} to {engineering(high, 'J')}" if low < high else ""


def _energy_text(result: dict) -> str:
    total = result["energy"]["total"]
    power = share(total, result["step"]["latency_s"])
    text = f"Total {engineering(total, 'J')}, counters times table; {engineering(power, 'W')} on average."
    if between := _range(result["energy_bill"]["total_low_j"], result["energy_bill"]["total_high_j"]):
        text += f" From {between} where every coefficient stands at the low or the high end of its range."
    return text


def _area_text(result: dict) -> str:
    area = result["area"]
    return (
        f"Cluster {area['cluster']:.3f} mm², with L2 {area['total']:.3f} mm²: gates and SRAM cells times table, "
        f"without pads, peripherals and routing congestion. {result['step']['gflops_per_mm2']:.2f} GFLOP/s per mm² "
        "of the cluster."
    )


def _area(result: dict) -> str:
    area = result["area"]
    rows = []
    for name, mark in result["area_bill"]["marks"].items():
        part = "" if name == "l2" else f"{100 * share(area[name], area['cluster']):.1f} %"
        rows.append([escape(name), f"{area[name]:.3f}", part, escape(mark)])
    of_cluster = sum(name != "l2" for name in result["area_bill"]["marks"])  # which stand first
    rows.insert(of_cluster, ["<b>cluster</b>", f"<b>{area['cluster']:.3f}</b>", "100.0 %", ""])
    rows.append(["<b>total</b>", f"<b>{area['total']:.3f}</b>", "", ""])
    return table(["part", "mm²", "of the cluster", "status"], rows, {1, 2})


def _memory_text(result: dict) -> str:
    m, t = result["memory"], result["traffic"]
    return (
        f"Parameters {m['parameters']:,} B, trainable {m['trainable']:,} B, gradients {m['gradients']:,} B, "
        f"dynamic peak {m['activations_peak']:,} B. Moved: L2 to L1 {t['l2_l1_read']:,} B and back "
        f"{t['l2_l1_write']:,} B; L3 to L2 {t['l3_l2_read']:,} B and back {t['l3_l2_write']:,} B."
    )


def _bounds_text(result: dict) -> str:
    if not result["bounds"]:
        return "No work was counted."
    first = result["bounds"][0]
    return (
        "Each bar is the least time that a resource alone would need; the step cannot be shorter than the longest. "
        f"Nearest: {escape(first['resource'])} ({escape(first['work'])})."
    )


def _array(result: dict) -> str:
    """The section of the array; nothing without one."""
    bars = charts.array(result)
    if not bars:
        return ""
    shape = result["platform"]["redmule"]
    parts = next(b["parts"] for b in result["bounds"] if "parts" in b)
    told = ", ".join(f"{100 * part:.1f} % {escape(name)}" for name, part in parts.items())
    text = (
        f"The {shape['height'] * shape['width']} FMAs of the RedMulE array, times cycles: {told}. Useful: products of "
        "the algorithm; padded: what fills jobs and tiles."
    )
    return section("Array", text, bars)


def _body(result: dict) -> str:
    steps = len(result["steps"])
    parts = [_tiles(result), _check(result), _diverged(result), _warnings(result)]
    text = "Share of the step that each unit worked or waited, by reason."
    parts.append(section("Where the cycles went", text, charts.units(result), wide=True))
    text = "The layer that the step was in, by phase; colour is the unit that computes it."
    parts.append(section("Layers over time", text, charts.timeline(result), wide=True))
    parts += l2_sections(result)
    parts.append(section("What bounds the step", _bounds_text(result), charts.bounds(result)))
    parts.append(_array(result))
    parts.append(section("Energy", _energy_text(result), charts.energy(result)))
    parts.append(section("Memory", _memory_text(result) + wear.text(result), charts.memory(result)))
    if steps > 1:
        parts.append(section("Loss", f"Over {steps} steps.", charts.loss(result)))
    parts.append(section("Area", _area_text(result), _area(result), wide=steps == 1))
    text = "By operator and phase. Click a heading to sort."
    parts.append(section("Totals", text, tall(totals_table(result)), wide=True))
    text = (
        "Cycles are exclusive and sum to the step. Array: useful products of what its FMAs could do in these cycles; "
        "those of a tile count at one moment, so that a short layer can have more than 100 %. "
        "L2, L3: bytes read and written. Click a heading to sort."
    )
    shown, count = len(shown_layers(result)), len(result["layers"])
    if shown < count:
        text += f" The slowest {shown:,} of {count:,}; <code>etude report --csv FILE</code> writes all."
    parts.append(section("Layers", text, layers_table(result), wide=True))
    parts.append(configuration(result))
    text = "Every coefficient with its source. Marked: an assumption that makes more than 5 % of the total."
    parts.append(section("What the energy is made of", text, _bill(result), wide=True))
    parts += [trust.assumptions(result), trust.validation()]
    return "\n".join(parts)


def make_page(result: dict) -> str:
    """The page as text; it needs nothing beside it."""
    s = result["simulator"]
    footer = (
        f"Simulated in {s['wall_s']:.2f} s ({s['mcycles_per_s']:.1f} Mcycle/s, {s['mips']:.1f} MIPS), engine "
        f"{escape(result['engine'])}, tier {escape(result['tier'])}, version {escape(s['version'])}. "
        f"Configuration {escape(result['config_hash'][:16])}."
    )
    return Template((HERE / "page.html").read_text(encoding="utf-8")).substitute(
        title=escape(result["title"]),
        css=(HERE / "page.css").read_text(encoding="utf-8"),
        machine=escape(machine(result)),
        body=_body(result),
        script=(HERE / "page.js").read_text(encoding="utf-8"),
        footer=footer,
    )


def write_page(result: dict, folder: Path) -> Path:
    """Writes report.html into `folder` and returns its path. Errors: UserError."""
    page = folder / "report.html"
    try:
        text = make_page(result)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{folder}: its result.json is damaged or of another version ({error}); run again") from None
    aside = folder / ".report.html.part"  # never half a page
    try:
        with aside.open("w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        aside.replace(page)
    except OSError as error:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise MachineError(f"{page}: cannot be written: {error.strerror}") from None
        raise UserError(f"{page}: cannot be written ({error.strerror}); copy the results elsewhere") from None
    return page
