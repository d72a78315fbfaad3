# SPDX-License-Identifier: Apache-2.0
"""README.md of results/schedule: sentences, tables and pictures of the parts that are there."""

from etude.schedule_study import page, verdicts
from etude.schedule_study.page import Parts, Rows, table

INTRODUCTION = (
    "# When to page, when to recompute\n"
    "Made by `scripts/schedule_study.sh`. A schedule is asked for (`etude-sim schedule ... --out FILE`), then run from "
    "that file in the cycle tier on an L2 of exactly its budget and what the runtime takes (`l2_fixed`), so that a "
    'wrong budget would end the run. "Same bits": every output (loss, updated parameters) is byte-equal to that of '
    "`keep`. "
    "`keep` is a run without a schedule on the same sort of L2: every result stays from its making to its last use. "
    'Parts are of `peak_keep`, the memory of that. "Again": operators that run a second time; "paged": tensors that '
    "move between HyperRAM and L2, parameters included. Percentages of time and energy are of `keep`'s step. Policies: "
    "`docs/schedule.md`. Data: one JSON and one CSV for each part; every row has its command. What a "
    "search ended by the clock finds depends on the machine: here two cores that were shared with other work.\n"
)

COMMANDS = """## Commands
    scripts/schedule_study.sh                       # all of this page
    scripts/schedule_study.sh --resume              # goes on where it was ended; of another program nothing is kept
    scripts/schedule_study.sh --sections front      # one part, by the name of its data

One point by hand, CCT-2 full in half of its memory (`l2_fixed` and `budget` are in the answer's JSON):

    etude-sim schedule configs/cct2_lora.json --set /train/method=full --set /train/steps=1 \\
      --set /energy/extmem/byte/value=880 --budget 0.5 --json --out half.sched
    etude-sim run configs/cct2_lora.json --set /train/method=full --set /train/steps=1 \\
      --set /energy/extmem/byte/value=880 --set /schedule/policy=optimal --set /schedule/file=half.sched \\
      --set /platform/l2/size=BUDGET+L2_FIXED --out half
"""


def _executed(rows: Rows) -> list[str]:
    predicted = ("pJ/B", "part", "policy", "search", "predicted cycles", "predicted energy")
    head = (*predicted, "executed cycles", "executed energy", "l2_peak of L2, B", "outputs")
    return [
        "## Energy against memory",
        "CCT-2, full step, parameters at home in HyperRAM, at two prices of a byte of HyperRAM. Lines are predicted, "
        "stars executed.",
        "",
        "![880 pJ/B](energy_memory_880.svg)",
        "![324 pJ/B](energy_memory_324.svg)",
        "",
        *table(head, page.executed_rows(rows)),
    ]


def _in_l2(rows: Rows) -> list[str]:
    head = ("pJ/B", "part", "schedule", "search", "solved in", "predicted", "cycles", "energy")
    return [
        "## Parameters at home in L2",
        "CCT-2, full step, `/workload/home` l2: parameters, inputs and the loss stand in L2 below what the budget is "
        "for (`l2_fixed` counts them), and HyperRAM carries pages of results alone. `peak_keep` is that of activations "
        "and gradients, by slots.",
        "",
        "![Energy against time in half of the memory](in_l2.svg)",
        "",
        *table((*head, "l2_peak of L2, B", "outputs"), page.near_rows(rows)),
    ]


def _front(rows: Rows) -> list[str]:
    head = ("pJ/B", "schedule", "search", "predicted", "executed", "time", "energy", "outputs")
    return [
        "## Energy against time, in half of the memory",
        "The least energy that a deadline allows, each searched for 12 seconds, 30 above +10 %. "
        "`page` without a deadline is what paging alone takes.",
        "",
        "![Energy against time](front.svg)",
        "",
        *table(head, page.front_rows(rows)),
    ]


def _sizes(rows: Rows) -> list[str]:
    head = ("step", "l2_peak of L2, B", "policy", "search", "predicted", "cycles", "energy", "HyperRAM, B", "outputs")
    return ["## Given sizes of L2", "At 880 pJ/B.", "", *table(head, page.size_rows(rows))]


def _budgets(rows: Rows) -> list[str]:
    head = ("network", "part", "policy", "budget, B", "l2_peak - l2_fixed, B", "cycles", "energy", "outputs")
    return [
        "## Does the executed peak fall with the budget?",
        "Five seconds of search each: this part is about peaks, not about the best schedule.",
        "",
        "![Peaks](peaks.svg)",
        "",
        *table(head, page.budget_rows(rows)),
    ]


def _networks(rows: Rows) -> list[str]:
    head = ("network", "home", "policy", "part", "search", "budget, B", "executed (against predicted)")
    return [
        "## All policies on all networks",
        "Five seconds of search each. In brackets: how much more the run takes than was predicted of it.",
        "",
        *table((*head, "l2_peak of L2, B", "outputs"), page.network_rows(rows)),
    ]


def _batch(rows: Rows) -> list[str]:
    head = ("step", "objective", "passes of samples; search", "predicted", "cycles", "energy", "l2_peak of L2, B")
    return [
        "## A batch that does not fit",
        "Eight images in 2 MiB of L2, which no schedule holds at once: `optimal` without a budget splits the batch "
        "into the best passes, whose gradients are added up, and says so (`accumulate` of its JSON, a warning of the "
        "run). Search, peak and pages are of one pass, cycles and energy of all.",
        "",
        *table(head, page.split_rows(rows)),
    ]


def _cct7(rows: Rows) -> list[str]:
    head = ("pJ/B", "part", "schedule", "search", "solved in", "predicted", "cycles", "energy")
    lines = [row | {"price_pj": "as shipped", "deadline_percent": None} for row in rows]
    return [
        "## CCT-7",
        "Full step, parameters at home in L2, half of the memory for the rest.",
        "",
        *table((*head, "l2_peak of L2, B", "outputs"), page.near_rows(lines)),
    ]


def _raspberry(rows: Rows) -> list[str]:
    head = ("part", "ours", "page", "Capuchin", "Capuchin's overhead against ours")
    return [
        "## Devices as cost tables",
        "Predicted, not executed. Raspberry Pi 4 (Cortex-A72), ResNet-18 (ImageNet), energy above keeping everything:",
        "",
        *table(head, page.raspberry_rows(rows)),
    ]


def _tegra(rows: Rows) -> list[str]:
    head = ("FLOP/s", "budget", "POFO: peak, time above keep", "ours at its peak: throughput", "in its time: peak")
    return [
        "Jetson TX2, ResNet-18 (ImageNet); the public profile has no FLOP rates, so two are assumed:",
        "",
        *table(head, page.tegra_rows(rows)),
    ]


WRITERS = {
    "in_l2": _in_l2,
    "executed": _executed,
    "front": _front,
    "sizes": _sizes,
    "ten_budgets": _budgets,
    "networks": _networks,
    "batch_8": _batch,
    "cct7": _cct7,
    "raspberry_pi_4": _raspberry,
    "jetson_tx2": _tegra,
}


def text(parts: Parts) -> str:
    """The page of the parts that are there."""
    lines = [INTRODUCTION, "## In plain words", *verdicts.plain(parts), ""]
    for name, writer in WRITERS.items():
        if name in parts:
            lines += writer(parts[name])
    lines += ["## Published and expected, and what came out", *verdicts.expected(parts), ""]
    return "\n".join([*lines, COMMANDS])
