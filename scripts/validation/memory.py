# SPDX-License-Identifier: Apache-2.0
"""Shared memory: arbitration traces, contention figures, RedMulE behind the interconnect."""

import json

from validation import svg
from validation.tools import Assumption, Block, Point, in_parallel, not_modelled, reference, shares, sim, test_points

RTL = "hci 2a5a508, cluster_interconnect 2967d8d, common_cells 9afda9a; verilated"
NINTH = Assumption(
    "ninth_core_port",
    "with a controller hart the arbiters have nine core ports and five tree levels, by analogy; the RTL measured "
    "here has 8 core, 4 ext and 4 DMA ports",
    "who wins a conflict, not how many there are; none on platforms without controller",
    "stalls.tcdm_conflict",
)
GENERATOR = (
    "xorshift64, whose state follows from the requests of hci_traces/g15 (tests/support/recorded_traffic.h); "
    "without it two right answers differ, by up to 13 % for a job of a thousand cycles."
)


def hci() -> Block:
    traces = sorted(reference("hci_traces").glob("g*.txt"))
    results = in_parallel(lambda trace: json.loads(sim("replay", "hci", trace, "--json")), traces)
    points = []
    for trace, result in zip(traces, results, strict=True):
        error = result["different"] / result["cycles"]
        key = {"trace": trace.stem, "cycles": result["cycles"]}
        points.append(Point(key, trace.stem, result["cycles"], result["cycles"] - result["different"], error))
    shares(points)
    return Block(
        "hci",
        "Interconnect: every grant",
        RTL,
        "reference/contention.md, hci_traces/g*.txt",
        "grants, arbiter counter and round-robin state of each cycle; error: share of the cycles that differ",
        "no differing cycle",
        "scripts/validate.sh --only hci",
        points,
        not_modelled=not_modelled("interco", "tcdm"),
        assumptions=[NINTH],
    )


def from_test(row: dict[str, str]) -> Point:
    key = {name: value for name, value in row.items() if name not in ("group", "rtl", "model", "counted")}
    return Point(key, row["group"], float(row["rtl"]), float(row["model"]), counted=row.get("counted", "1") == "1")


def tcdm() -> Block:
    points = [from_test(row) for row in test_points("fidelity", "[hci][contention]", "tcdm_contention")]
    by_load: dict[str, list[tuple[float, float]]] = {}
    for point in points:
        if point.counted:
            by_load.setdefault(point.group, []).append((float(point.key["q"]), 100 * point.error))
    return Block(
        "tcdm_contention",
        "Shared memory under load",
        RTL,
        "reference/contention.md, tcdm_contention.csv",
        "grants of a scenario; relative error",
        "within 1 %",
        "scripts/validate.sh --only tcdm_contention",
        points,
        lambda block: block.max_error <= 0.01,
        not_modelled("interco", "tcdm"),
        [NINTH],
        ["Random traffic is drawn by the generator of the record, number by number: " + GENERATOR],
        limit=0.01,
        charts=[
            (
                "tcdm_contention.svg",
                svg.scatter("Grants under load: error", "issue probability", "error, %", by_load, log_x=False),
            )
        ],
    )


def redmule() -> Block:
    points = [from_test(row) for row in test_points("fidelity", "[redmule][contention]", "redmule_contention")]
    by_load: dict[str, list[tuple[float, float]]] = {}
    for point in points:
        if point.counted:
            by_load.setdefault(point.group, []).append((float(point.key["q"]), 100 * point.error))
    return Block(
        "redmule_contention",
        "RedMulE behind the interconnect",
        RTL + "; RedMulE main 51cd064 with errata 7 patched",
        "reference/contention.md, redmule_contention.csv",
        "cycles of a job while cores and DMA use the memory; relative error",
        "mean 3 %, max 8 % where traffic is random",
        "scripts/validate.sh --only redmule_contention",
        points,
        lambda block: block.mean_error <= 0.03 and block.max_error <= 0.08,
        not_modelled("interco", "redmule"),
        [NINTH],
        [
            "The cores' traffic is that of the record, number by number: "
            + GENERATOR
            + " Equal are not only the cycles "
            "but the cycles in which the port asks, its grants, the banks that refused accesses got, and the grants of "
            "cores and DMA. One row is of a job that starves; it is compared until the bench of the RTL gave up.",
        ],
        limit=0.08,
        charts=[
            (
                "redmule_contention.svg",
                svg.scatter("RedMulE under core traffic: error", "issue probability", "error, %", by_load, log_x=False),
            )
        ],
    )
