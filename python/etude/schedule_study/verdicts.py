# SPDX-License-Identifier: Apache-2.0
"""What came out: sentences for somebody who has to choose, and every published or expected figure with ours."""

from etude.schedule_study.page import Parts, Rows, table

RAN = ("in_l2", "executed", "front", "sizes", "ten_budgets", "networks", "batch_8", "cct7")  # parts with runs
BYTES_PER_CYCLE = 333 / 300  # HyperRAM's 333 MB/s at the cluster's 300 MHz


def _found(rows: Rows, name: str) -> dict | None:
    return next((row for row in rows if row["name"] == name and "error" not in row), None)


def _change(row: dict | None) -> str:
    if row is None:
        return "no schedule"
    return f"{row['cycles_over_keep_percent']:+.1f} % time and {row['energy_over_keep_percent']:+.1f} % energy"


def _predicted_s(row: dict) -> float:
    """Seconds that its program was predicted to take."""
    return row["predicted_cycles"] / row["cycles"] * row["latency_s"]


def _overlooked(none: Rows, fast: dict | None) -> str:
    """Deadlines that a known schedule meets, where the search found none."""
    if not fast:
        return ""
    missed = [f"+{row['deadline_percent']}" for row in none if _predicted_s(fast) <= row["deadline_s"]]
    if not missed:
        return ""
    return (
        f" The schedule of the search for time would have met {', '.join(missed)} %: within its seconds the search for "
        "energy did not find it, so ask for time first where a deadline is tight."
    )


def _bill(rows: Rows) -> str:
    """What half of the memory costs in joules, made again and paged."""
    kept, again, pages = (_found(rows, f"full-880-{name}") for name in ("keep", "checkmate-0.5", "page-0.5"))
    if not (kept and again and pages and "again_energy_j" in again):
        return ""
    more = pages["hyperram_bytes"] - kept["hyperram_bytes"]
    return (
        f"At half of the memory, all operators that run again take {1e3 * again['again_energy_j']:.2f} mJ with what "
        f"they fetch; pages alone move {more / 1e6:.2f} MB more than `keep`, {more * 880e-9:.2f} mJ at 880 pJ/B. Page "
        "a result for energy only where its operator is dear and its bytes are few."
    )


def _least(kept: dict | None, fast: dict | None) -> str:
    """The proven bound on the time, by the clock that deadlines are held against."""
    if not kept or not fast or fast.get("bound") is None:
        return ""
    least = 100 * ((kept["replay_s"] + fast["bound"]) / kept["latency_s"] - 1)
    found = 100 * (_predicted_s(fast) / kept["latency_s"] - 1)
    return (
        f" The fastest that was found is predicted to take {found:+.1f} %, and by the problem's own clock, of whole "
        f"slots, nothing takes less than {least:+.1f} %."
    ) * (least > 5)


def _plain_near(rows: Rows) -> list[str]:
    """With parameters in L2: what either means costs, and the mix between them."""
    lines = []
    for price in dict.fromkeys(row["price_pj"] for row in rows):
        again, pages = (_found(rows, f"l2-{price}-{policy}-0.5") for policy in ("checkmate", "page"))
        steps = [(p, _found(rows, f"l2-{price}-within-{p}")) for p in (0, 1, 2, 3, 5, 10)]
        front = ", ".join(f"+{p} %: {row['energy_over_keep_percent']:+.1f} %" for p, row in steps if row)
        lines.append(
            f"- **Parameters in L2, half of the memory for the rest, {price} pJ a byte:** recomputing alone takes "
            f"{_change(again)}, paging alone {_change(pages)}. With a deadline above `keep`'s time, energy: {front}. "
            "So: page where time is short, recompute where energy is, and between both mix."
        )
    return lines


def plain(parts: Parts) -> list[str]:
    """Bullets: when to page, when to recompute."""
    lines: list[str] = []
    if "in_l2" in parts:
        lines += _plain_near(parts["in_l2"])
    if "executed" in parts:
        rows = parts["executed"]
        for price in (880, 324):
            again, pages, both = (
                _found(rows, f"full-{price}-{policy}-0.5") for policy in ("checkmate", "page", "optimal")
            )
            if again is None and pages is None and both is None:
                continue
            lines.append(
                f"- Half of the memory at {price} pJ a byte of HyperRAM: recomputing alone takes {_change(again)}, "
                f"paging alone {_change(pages)}, the mix with the least energy {_change(both)}."
            )
        kept, moved = (_found(rows, f"full-880-keep{end}") for end in ("", "-scheduled"))
        if kept and moved:
            lines.append(
                f"- A schedule has a price before it saves a byte: `keep` carried out as a schedule, on an L2 of about "
                f"the same size, takes {_change(moved)}."
            )
        lines.append(
            "- **To save energy, recompute.** A result of 32 KiB that goes out and comes back moves 64 KiB over "
            f"HyperRAM: {65536 * 880e-6:.1f} uJ at 880 pJ/B, {65536 * 324e-6:.1f} at 324. " + _bill(rows)
        )
    if "front" in parts:
        kept = _found(parts["front"], "full-880-keep")
        fast, pages = (_found(parts["front"], f"front-880-{name}") for name in ("fastest", "page-time"))
        cheap = _found(parts["front"], "full-880-optimal-0.5")
        if kept:
            busy = 100 * kept["hyperram_bytes"] / BYTES_PER_CYCLE / kept["cycles"]
            lines.append(
                "- **To save time, page only where the HyperRAM is idle.** Where parameters come from there, it is "
                f"not: what `keep` moves takes {busy:.0f} % of its step at the HyperRAM's rate. At half of the "
                f"memory a search for time found {_change(fast)}, of pages alone {_change(pages)}, and the one for "
                f"energy {_change(cheap)}."
            )
        met = [row for row in parts["front"] if row["price_pj"] == 880 and row.get("deadline_s") and "cycles" in row]
        none = [row for row in parts["front"] if row["price_pj"] == 880 and row.get("deadline_s") and "error" in row]
        limits = ", ".join(f"+{row['deadline_percent']}" for row in none)
        off = [abs(row["cycles_off_percent"]) for row in parts["front"] if "cycles_off_percent" in row]
        lines.append(
            "- **Give a deadline room.** It is held against what the program is predicted to take, from which the runs "
            f"of this part are up to {max(off, default=0):.1f} % away. At 880 pJ/B nothing "
            f"was found within {limits or 'no'} % of `keep`'s time; "
            + "; ".join(f"+{row['deadline_percent']} % gave {_change(row)}" for row in met)
            + "."
            + _least(kept, fast)
            + _overlooked(none, fast)
        )
    if "sizes" in parts:
        full, kept = (_found(parts["sizes"], f"full-2mib-{policy}") for policy in ("optimal", "keep"))
        if full and kept:
            moved, before = full["hyperram_bytes"], kept["hyperram_bytes"]
            lines.append(
                "- **Before results, look at parameters.** One that stays between its uses is not fetched again: in "
                f"2 MiB the full step moves {moved:,} B over HyperRAM, `keep` {before:,} B."
            )
    if "raspberry_pi_4" in parts:
        lines.append(
            "- **Where a page is cheap beside an operator** (Raspberry Pi, by its table), page, and recompute next to "
            "nothing: everything below stays under a tenth of a percent of the step's energy."
        )
    return lines


class _Expected:
    """Rows of the table of figures."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []

    def add(self, what: str, wanted: str, got: str, met: bool | None) -> None:
        """`met`: None where it cannot be said."""
        self.rows.append([what, wanted, got, {True: "met", False: "**missed**", None: "-"}[met]])


def _runs(parts: Parts, out: _Expected) -> None:
    every = [row for name in RAN for row in parts.get(name, [])]
    ran = {row["name"]: row for row in every if "cycles" in row}.values()
    compared = [row for row in ran if "cycles_off_percent" in row and row["scheduled"]]
    if compared:
        for key, name in (("cycles_off_percent", "cycles"), ("energy_off_percent", "energy")):
            worst = max(compared, key=lambda row: abs(row[key]))
            off = sum(abs(row[key]) > 3 for row in compared)
            got = f"worst {worst[key]:+.2f} % ({worst['name']}); {off} of {len(compared)} beyond 3 %"
            out.add(f"executed {name} against predicted", "within 3 points", got, off == 0)
    compared = [row for row in ran if "same_bits" in row and not row["name"].startswith("lora4-accumulate")]
    if compared:
        other = [row["name"] for row in compared if not row["same_bits"]]
        got = f"{len(compared) - len(other)} of {len(compared)} runs" + (f"; not {', '.join(other)}" if other else "")
        out.add("outputs byte-equal to keep's", "all", got, not other)
    compared = [row for row in ran if "within_l2" in row]
    if compared:
        over = [row["name"] for row in compared if not row["within_l2"]]
        out.add(
            "l2_peak within the L2 that was given", "all", f"{len(compared) - len(over)} of {len(compared)}", not over
        )


def _order(rows: Rows, out: _Expected) -> None:
    found = {
        (r["price_pj"], r["part"], r["policy"]): r["predicted_energy_j"] for r in rows if "predicted_energy_j" in r
    }
    worse = []
    for (price, part, policy), energy in found.items():
        best = found.get((price, part, "optimal"))
        if policy in ("checkmate", "page") and best is not None and best > 1.001 * energy:
            worse.append(f"{price} pJ/B at {part:g} ({100 * (best / energy - 1):.2f} % above `{policy}`)")
    got = "everywhere" if not worse else f"not where its search ended before the proof: {'; '.join(worse)}"
    out.add("`optimal` predicted within 0.1 % of `checkmate` and `page` or below", "everywhere", got, not worse)


def _mix(rows: Rows, out: _Expected, names: tuple[str, str], where: str) -> None:
    """The least energy within +5 % time against that of pages alone."""
    for price, most in ((880, "35"), (324, None)):
        if not any(f"-{price}-" in row["name"] for row in rows):
            continue
        mix, pages = (_found(rows, name.format(price)) for name in names)
        wanted = f"at most +{most} % energy" if most else "strictly inside"
        met = False  # no schedule is a miss too
        if mix:
            inside = pages is None or mix["energy_over_keep_percent"] < pages["energy_over_keep_percent"]
            late = mix["cycles_over_keep_percent"] > 5
            met = inside and not late and (most is None or mix["energy_over_keep_percent"] <= float(most))
        got = f"{_change(mix)}; pages alone: {_change(pages)}"
        out.add(f"{where}, half of the memory, +5 % time, {price} pJ/B", wanted, got, met)


def _front(rows: Rows, out: _Expected) -> None:
    _mix(rows, out, ("front-{}-5", "full-{}-page-0.5"), "parameters in HyperRAM")


def _near(rows: Rows, out: _Expected) -> None:
    kept = _found(rows, "l2-880-keep")
    if kept:
        got = f"{kept['peak_keep']:,} B"
        out.add("CCT-2 full, peak_keep by slots", "1,310,976 B", got, kept["peak_keep"] == 1_310_976)
    searches = [row for row in rows if "-optimal-" in row["name"]]
    slowest = max((row.get("solve_s") or 0 for row in searches), default=0)
    proven = all(row.get("status") == "optimal" for row in searches)
    got = f"at most {slowest:.1f} s, {'all' if proven else 'not all'} proven"
    out.add("the same, solved at 0.8, 0.6, 0.5", "5 s each, gap 1e-3", got, proven and slowest <= 5)
    for price, wanted in ((880, 118), (324, 43.6)):
        if not any(f"-{price}-" in row["name"] for row in rows):
            continue
        pages = _found(rows, f"l2-{price}-page-0.5")
        out.add(
            f"pages alone in half of the memory, {price} pJ/B", f"+{wanted} % energy, +0 % time", _change(pages), None
        )
        ran = [row for row in rows if row["name"].startswith(f"l2-{price}-within-")]
        done = [row for row in ran if "cycles" in row]
        late = [row for row in done if row["latency_s"] > row["deadline_s"]]
        got = f"{len(done)} of {len(ran)} executed, {len(late)} late"
        out.add(f"front in half of the memory, {price} pJ/B", "six points", got, len(done) == len(ran) and not late)
    _mix(rows, out, ("l2-{}-within-5", "l2-{}-page-0.5"), "parameters in L2")


def _sizes(rows: Rows, out: _Expected) -> None:
    for objective in ("time", "energy"):
        row = _found(rows, f"full-1000000-{objective}")
        got = f"{row['cycles']:,} cycles, {1e3 * row['energy_j']:.2f} mJ" if row else "no schedule"
        met = row is not None and row["cycles"] <= 5.0e6
        out.add(f"CCT-2 full in 1,000,000 B, for {objective}", "at most 5.0 Mcycles", got, met)
    full, kept = (_found(rows, f"full-2mib-{policy}") for policy in ("optimal", "keep"))
    if full and kept:
        moved = full["hyperram_bytes"]
        out.add("CCT-2 full in 2 MiB: HyperRAM", "at most 2.4 MB", f"{moved / 1e6:.3f} MB", moved <= 2.4e6)
        part = full["energy_j"] / kept["energy_j"]
        got = f"{part:.3f} ({1e3 * full['energy_j']:.2f} of {1e3 * kept['energy_j']:.2f} mJ)"
        out.add("the same: energy, part of keep's", "at most 0.80", got, part <= 0.80)
    parts, energy, time = (_found(rows, f"lora4-{name}") for name in ("accumulate4", "energy", "time"))
    if energy and parts:
        part = energy["energy_j"] / parts["energy_j"]
        got = f"{part:.3f} ({1e3 * energy['energy_j']:.2f} of {1e3 * parts['energy_j']:.2f} mJ)"
        out.add("LoRA, batch 4, 2 MiB, for energy: part of accumulate=4", "at most 0.62", got, part <= 0.62)
    if time:
        out.add("the same, for time", "at most 9.0 Mcycles", f"{time['cycles'] / 1e6:.3f} M", time["cycles"] <= 9.0e6)


def _batch(rows: Rows, out: _Expected) -> None:
    for what in dict.fromkeys(row["what"] for row in rows):
        mine = [row for row in rows if row["what"] == what]
        got = "; ".join(
            f"for {row['objective']}: "
            + (row["error"] if "error" in row else f"{row['cycles'] / 1e6:.2f} Mcycles, {1e3 * row['energy_j']:.2f} mJ")
            for row in mine
        )
        named = all("cycles" in row or "operator" in row["error"] for row in mine)
        out.add(f"{what}, in 2 MiB", "runs, or its operator is named", got, named)


def _peaks(rows: Rows, out: _Expected) -> None:
    for network in dict.fromkeys(row["network"] for row in rows):
        mine = [row for row in rows if row["network"] == network and row["policy"] != "keep"]
        rises = [f"{row['part']:g}" for row in mine if row.get("rises")]
        refused = [f"{row['part']:g}" for row in mine if "error" in row]
        got = f"{len(mine) - len(refused)} budgets executed, rises at: {', '.join(rises) or 'none'}"
        got += f"; refused: {', '.join(refused)}" if refused else ""
        out.add(f"{network}: executed peak falls with the budget", "ten budgets", got, not rises and not refused)


def _devices(parts: Parts, out: _Expected) -> None:
    rows = parts.get("raspberry_pi_4", [])
    over = {(row["policy"], row["part"]): row["overhead"] for row in rows if row.get("overhead")}
    pairs = [100 * (over["capuchin", p] / over["optimal", p] - 1) for k, p in over if k == "capuchin"]
    if pairs:
        keep = next(row["energy_j"] for row in rows if row["policy"] == "keep")
        most = {
            k: max(100 * v / keep for (policy, _), v in over.items() if policy == k) for k in ("optimal", "capuchin")
        }
        got = f"Capuchin at most {most['capuchin']:.3f} % of the step's energy, ours {most['optimal']:.3f} %; "
        got += f"Capuchin's overhead {min(pairs):+.0f} to {max(pairs):+.0f} % of ours"
        out.add("A72, ResNet-18: Capuchin's extra energy (published)", "+73 to +141 %, ours < 1 %", got, None)
    named = {row["name"]: row for row in parts.get("jetson_tx2", []) if "error" not in row}
    pofo = [n for n in named if "-pofo-" in n and f"{n}-time" in named and f"{n}-peak" in named]
    if pofo:
        peaks = [100 * (named[f"{n}-peak"]["peak_bytes"] / named[n]["peak_bytes"] - 1) for n in pofo]
        speed = [100 * (named[n]["time_s"] / named[f"{n}-time"]["time_s"] - 1) for n in pofo]
        reached = sum(peak <= -8.3 for peak in peaks)
        got = f"{max(peaks):+.1f} to {min(peaks):+.1f} %; {reached} of {len(peaks)} reach it"
        out.add("TX2, ResNet-18: peak against POFO's (published)", "-8.3 %", got, reached == len(peaks))
        got = f"{min(speed):+.2f} to {max(speed):+.2f} %"
        out.add("the same: throughput (published)", "+13 %", got, max(speed) >= 13)


def expected(parts: Parts) -> list[str]:
    """The table of figures that were published or expected."""
    out = _Expected()
    _runs(parts, out)
    for name, write in (
        ("in_l2", _near),
        ("executed", _order),
        ("front", _front),
        ("sizes", _sizes),
        ("ten_budgets", _peaks),
        ("batch_8", _batch),
    ):
        if name in parts:
            write(parts[name], out)
    _devices(parts, out)
    return table(("what", "expected", "here", ""), out.rows)
