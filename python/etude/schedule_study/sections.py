# SPDX-License-Identifier: Apache-2.0
"""The parts of the study, each a list of rows: executed budgets, the front, sizes of L2, falling peaks, devices."""

import json
from dataclasses import replace
from pathlib import Path

from etude.schedule_study.questions import ROOT, Case, ask_all, rows_of

PRICES = (880, 324)  # pJ a byte of HyperRAM
PARTS = (0.8, 0.6, 0.5)
DEADLINES = (0, 1, 2, 3, 5, 10, 25, 30, 35, 40)  # percent above the time that keep takes
NEAR_DEADLINES = (0, 1, 2, 3, 5, 10)  # the same, with parameters at home in L2
SHORT = 12  # seconds of search within tight deadlines
LIMITS = {880: None, 324: 20}  # of the executed budgets; None: as long as a run searches
FULL = ("/train/method=full",)
TWO_MIB = 2 * 1024 * 1024
DEVICES = "configs/devices"
SEARCH = ("--time-limit", "20")  # nominal seconds
# Of keep's peak. The largest operator takes 0.827 and 0.591 of it.
TEN = {
    "deep_ae": (1, 0.98, 0.96, 0.94, 0.92, 0.9, 0.88, 0.86, 0.84, 0.83),
    "cct2_lora": (1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.62, 0.6),
}


def price(picojoules: int) -> str:
    """The assignment of what a byte of HyperRAM takes."""
    return f"/energy/extmem/byte/value={picojoules}"


IN_L2 = "/workload/home=l2"
ON_CHIP = ("/train/initial=", "/workload/inputs=", *FULL)  # drawn inputs
# Configuration, assignments and the part of keep's peak that every policy is asked for.
NETWORKS = {
    "cct2": ("cct2_lora.json", FULL, 0.7),
    "deep_ae": ("deep_ae.json", (), 0.9),
    "resnet8": ("cct2_lora.json", ("/workload/network=resnet8", *ON_CHIP), 0.7),
    "bert": ("cct2_lora.json", ("/workload/network=bert", *ON_CHIP), 0.8),
}
POLICIES = ("optimal", "checkmate", "page", "sqrt", "capuchin", "pofo", "poet")


def _keep(picojoules: int, near: bool = False) -> Case:
    """`near`: with parameters at home in L2, outside the budget."""
    name, home = (f"l2-{picojoules}-keep", (IN_L2,)) if near else (f"full-{picojoules}-keep", ())
    return Case(name, "cct2_lora.json", (*FULL, price(picojoules), *home), "keep", 1)


def executed(runs: Path, jobs: int, resume: bool) -> list[dict]:
    """CCT-2 full at three budgets by three policies and two prices."""
    rows = []
    for each in PRICES:
        keep = _keep(each)
        cases = [
            replace(keep, name=f"full-{each}-{policy}-{part:g}", policy=policy, budget=part, time_limit=LIMITS[each])
            for part in PARTS
            for policy in ("optimal", "page", "checkmate")
        ]
        moved = replace(keep, name=f"{keep.name}-scheduled", scheduled=True)
        rows += [row | {"price_pj": each} for row in rows_of([keep, moved, *cases], runs, jobs, resume)]
    return rows


def in_l2(runs: Path, jobs: int, resume: bool) -> list[dict]:
    """The same with parameters at home in L2, where the HyperRAM has nothing else to do, and deadlines at half."""
    rows = []
    for each in PRICES:
        keep = _keep(each, near=True)
        kept = rows_of([keep], runs, jobs, resume)[0]
        cases = [
            replace(keep, name=f"l2-{each}-{policy}-{part:g}", policy=policy, budget=part)
            for part in PARTS
            for policy in ("optimal", "page", "checkmate")
        ]
        half = replace(keep, policy="optimal", budget=0.5)
        cases += [
            replace(half, name=f"l2-{each}-within-{p}", deadline_s=kept["latency_s"] * (1 + p / 100))
            for p in NEAR_DEADLINES
        ]
        cases.append(replace(half, name=f"l2-{each}-fastest", objective="time"))
        limits = [None] * (1 + 3 * len(PARTS)) + [*NEAR_DEADLINES, None]
        found = [kept, *rows_of(cases, runs, jobs, resume, kept)]
        rows += [row | {"price_pj": each, "deadline_percent": p} for row, p in zip(found, limits, strict=True)]
    return rows


def front(runs: Path, jobs: int, resume: bool) -> list[dict]:
    """CCT-2 full at half of keep's peak: the least energy within deadlines, and what paging alone takes."""
    rows = []
    for each in PRICES:
        keep = _keep(each)
        kept = rows_of([keep], runs, jobs, resume)[0]
        half = replace(keep, policy="optimal", budget=0.5)
        cases = [
            replace(
                half,
                name=f"front-{each}-{p}",
                deadline_s=kept["latency_s"] * (1 + p / 100),
                time_limit=SHORT if p <= 10 else 30,
            )
            for p in DEADLINES
        ]
        cases.append(replace(half, name=f"front-{each}-fastest", objective="time", time_limit=60))
        cases.append(replace(half, name=f"full-{each}-optimal-0.5", time_limit=LIMITS[each]))
        cases.append(replace(half, name=f"full-{each}-page-0.5", policy="page", time_limit=LIMITS[each]))
        cases.append(replace(half, name=f"front-{each}-page-time", policy="page", objective="time", time_limit=SHORT))
        found = rows_of(cases, runs, jobs, resume, kept)
        limits = [*DEADLINES, None, None, None, None]
        rows += [
            row | {"price_pj": each, "deadline_percent": p}
            for row, p in zip([kept, *found], [None, *limits], strict=True)
        ]
    return rows


def sizes(runs: Path, jobs: int, resume: bool) -> list[dict]:
    """Given sizes of L2: CCT-2 full in 1,000,000 B and 2 MiB, LoRA of batch 4 in 2 MiB against accumulation."""
    full = Case("", "cct2_lora.json", (*FULL, price(880)), time_limit=30)
    four = Case("", "cct2_lora.json", ("/workload/batch=4", price(880)), size=TWO_MIB, time_limit=30)
    keep = rows_of([_keep(880)], runs, jobs, resume)[0]
    cases = [
        replace(full, name=f"full-1000000-{objective}", objective=objective, size=1_000_000)
        for objective in ("energy", "time")
    ]
    cases += [
        replace(full, name="full-2mib-keep", policy="keep", size=TWO_MIB),
        replace(full, name="full-2mib-optimal", size=TWO_MIB),
    ]
    rows = [row | {"what": "CCT-2 full"} for row in rows_of(cases, runs, jobs, resume, keep)]
    parts = replace(
        four, name="lora4-accumulate4", policy="keep", sets=("/workload/batch=1", price(880), "/train/accumulate=4")
    )
    cases = [
        replace(four, name="lora4-keep-16mib", policy="keep", size=8 * TWO_MIB),
        *(replace(four, name=f"lora4-{objective}", objective=objective) for objective in ("energy", "time")),
    ]
    base = rows_of([parts], runs, jobs, resume)
    base[0].pop("same_bits", None)  # four passes have other sums than one of four images
    rest = rows_of(cases, runs, jobs, resume)
    return rows + [row | {"what": "CCT-2 LoRA, batch 4"} for row in [*base, *rest]]


def ten_budgets(runs: Path, jobs: int, resume: bool) -> list[dict]:
    """Does the executed peak fall with the budget? Objects reach to l2_peak - l2_fixed."""
    rows = []
    for network, parts in TEN.items():
        base = Case("", f"{network}.json", ("/workload/home=extmem",), time_limit=5)
        keep = replace(base, name=f"ten-{network}-keep", policy="keep", budget=1)
        cases = [keep, *(replace(base, name=f"ten-{network}-{part:g}", budget=part) for part in parts)]
        lowest = None
        for row in rows_of(cases, runs, jobs, resume):
            if "l2_peak" in row:
                row["objects"] = row["l2_peak"] - row["l2_fixed"]
                if row["policy"] != "keep":
                    row["rises"] = lowest is not None and row["objects"] > lowest
                    lowest = row["objects"] if lowest is None else min(lowest, row["objects"])
            rows.append(row | {"network": network})
    return rows


def networks(runs: Path, jobs: int, resume: bool) -> list[dict]:
    """Every policy on every network with parameters at either home: are bits, budget and prediction held?"""
    rows = []
    for network, (config, sets, part) in NETWORKS.items():
        for home in ("extmem", "l2"):
            base = Case("", config, (*sets, f"/workload/home={home}"), budget=part, time_limit=5)
            keep = replace(base, name=f"all-{network}-{home}-keep", policy="keep", budget=1)
            cases = [replace(base, name=f"all-{network}-{home}-{policy}", policy=policy) for policy in POLICIES]
            rows += [row | {"network": network, "home": home} for row in rows_of([keep, *cases], runs, jobs, resume)]
    return rows


def batch_8(runs: Path, jobs: int, resume: bool) -> list[dict]:
    """Eight images of CCT-2 in 2 MiB of L2, which no schedule holds at once: the program splits the batch itself."""
    rows = []
    for what, sets in (("CCT-2 LoRA, batch 8", ()), ("CCT-2 full, batch 8", FULL)):
        base = Case("", "cct2_lora.json", (*sets, "/workload/batch=8"), size=TWO_MIB, time_limit=10)
        cases = [
            replace(base, name=f"eight-{what[6:10].strip()}-{objective}", objective=objective)
            for objective in ("energy", "time")
        ]
        rows += [row | {"what": what} for row in rows_of(cases, runs, jobs, resume)]
    return rows


def cct7(runs: Path, jobs: int, resume: bool) -> list[dict]:
    """CCT-7 at half of keep's peak, parameters in L2, with its gap."""
    room = f"/platform/l2/size={64 * 1024 * 1024}"  # keep needs 46.5 MB
    base = Case("", "cct2_lora.json", ("/workload/network=cct7", *ON_CHIP, IN_L2, room), time_limit=120)
    keep = replace(base, name="cct7-keep", policy="keep", budget=1)
    return rows_of([keep, replace(base, name="cct7-optimal-0.5", budget=0.5)], runs, jobs, resume)


def _device_row(name: str, words: list[str], answer: dict, **more) -> dict:
    keys = ("policy", "objective", "status", "budget", "peak_keep", "peak_bytes", "energy_j", "time_s", "overhead")
    row = {"name": name, "command": "etude-sim " + " ".join(words), **more}
    row |= {key: answer.get(key) for key in (*keys, "bound", "gap", "timed_out")}
    failed = answer.get("error") or answer.get("reason")
    return row | ({"error": failed} if failed else {})


def raspberry(runs: Path, jobs: int, resume: bool) -> list[dict]:
    """ResNet-18 on the Cortex-A72: ours, page alone and Capuchin's greedy over budgets."""
    questions, facts = {}, {}
    for part in (1, 0.9, 0.7, 0.5, 0.4):
        for policy in ("optimal", "capuchin", "page") if part < 1 else ("keep",):
            name = f"a72-{policy}-{part:g}"
            words = ["schedule", "resnet18", "--device", f"{DEVICES}/raspberry_pi_4.json"]
            questions[name] = [*words, "--policy", policy, "--budget", f"{part:g}", *SEARCH]
            facts[name] = {"network": "resnet18", "device": "Raspberry Pi 4 (Cortex-A72)", "part": part}
    answers = ask_all(questions, runs / "asked", jobs, resume)
    return [_device_row(name, questions[name], answers[name], **facts[name]) for name in questions]


def tegra(runs: Path, jobs: int, resume: bool) -> list[dict]:
    """ResNet-18 on the TX2, whose FLOP rates are assumed: POFO's peak and time, then ours at the same peak (time) and
    in the same time (peak)."""
    rows = []
    table = json.loads((ROOT / DEVICES / "jetson_tx2.json").read_text())
    for rate in (2e9, 2e10):
        table["flop_per_s"]["value"] = rate
        table["flop_per_j"]["value"] = rate / table["compute_w"]["value"]
        device = runs / f"jetson_tx2_{rate:.0e}.json"
        device.parent.mkdir(parents=True, exist_ok=True)
        device.write_text(json.dumps(table, indent=1))
        head = ["schedule", "resnet18", "--device", str(device), *SEARCH]
        tail = ["--budget"]
        first = {f"tx2-{rate:.0e}-keep": [*head, "--policy", "keep", *tail, "1"]}
        first |= {f"tx2-{rate:.0e}-pofo-{p:g}": [*head, "--policy", "pofo", *tail, f"{p:g}"] for p in (0.5, 0.4, 0.37)}
        found = ask_all(first, runs / "asked", jobs, resume)
        second = {}
        for name, answer in found.items():
            if "-pofo-" in name and answer["status"] == "feasible":
                peak = [*tail, str(answer["peak_bytes"])]
                second[f"{name}-time"] = [*head, *peak, "--objective", "time"]
                second[f"{name}-peak"] = [*head, *peak, "--objective", "peak", "--deadline", repr(answer["time_s"])]
        found |= ask_all(second, runs / "asked", jobs, resume)
        facts = {"network": "resnet18", "device": "Jetson TX2", "flop_per_s": rate}
        for name, words in (first | second).items():
            shown = [word.replace(str(device), f"TX2 at {rate:.0e} FLOP/s") for word in words]
            rows.append(_device_row(name, shown, found[name], **facts))
    return rows


SECTIONS = {
    "in_l2": in_l2,
    "executed": executed,
    "front": front,
    "sizes": sizes,
    "ten_budgets": ten_budgets,
    "networks": networks,
    "batch_8": batch_8,
    "cct7": cct7,
    "raspberry_pi_4": raspberry,
    "jetson_tx2": tegra,
}
