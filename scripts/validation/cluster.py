# SPDX-License-Identifier: Apache-2.0
"""Event unit and instruction cache: each recorded access, and programs of eight cores behind the cache."""

from validation import svg
from validation.memory import from_test
from validation.tools import Assumption, Block, not_modelled, shares, test_points


def event_unit() -> Block:
    points = shares([from_test(row) for row in test_points("fidelity", "[event_unit]", "event_unit")])
    return Block(
        "event_unit",
        "Event unit",
        "event_unit_flex 763c3b9, verilated",
        "reference/sync_icache.md part A, sync_rtl.csv",
        "grant, response, gated cycles and data of each access; per scenario: accesses that are equal; error: share "
        "that differs",
        "equal on every row",
        "scripts/validate.sh --only event_unit",
        points,
        not_modelled=not_modelled("event_unit"),
        assumptions=[
            Assumption(
                "event_unit_version",
                "pulp_cluster pins event_unit_flex astral-v1.0, which was not at hand; a neighbouring branch differs "
                "in three lines of the barrier unit",
                "none known",
            ),
            Assumption(
                "peripheral_path",
                "the path from a core through the peripheral interconnect is as long for every unit (RTL: 3 cycles; "
                "3 to 10 for eight cores on one)",
                "a cycle or two for each access to a register of RedMulE; see /platform/cluster/peripheral_latency",
                "stalls.peripheral",
            ),
        ],
    )


def icache() -> Block:
    points = shares([from_test(row) for row in test_points("fidelity", "[icache]", "icache")])
    return Block(
        "icache",
        "Instruction cache: every fetch",
        "hier-icache 7243834, icache-intc 663c3b6, axi e55ae2a7; verilated",
        "reference/sync_icache.md part B, icache_rtl.csv (prefetch off)",
        "grant and response of each fetch; per scenario: fetches that are equal; error: share that differs",
        "equal on at least 99 %",
        "scripts/validate.sh --only icache",
        points,
        lambda block: sum(p.model for p in block.points) >= 0.99 * sum(p.rtl for p in block.points),
        not_modelled("icache"),
        [
            Assumption(
                "icache_ninth_core",
                "a ninth core uses one arbitration tree of four levels; the RTL's two-channel arbiter was seen in one "
                "run only (same latencies)",
                "cold code of clusters with a controller hart",
                "stalls.icache_miss",
            )
        ],
    )


def icache_core() -> Block:
    points = [from_test(row) for row in test_points("fidelity", "[icache_core]", "icache_core")]
    series: dict[str, list[tuple[float, float]]] = {}
    for point in points:
        if point.counted:
            series.setdefault(f"{point.key['program']} {point.key['kernel']}", []).append(
                (max(1.0, float(point.key["L"])), 100 * point.error)
            )
    return Block(
        "icache_core",
        "Programs of real cores behind the cache",
        "cv32e40p 6033d2b, hier-icache 7243834; verilated",
        "reference/sync_icache.md part B, icache_core.csv (prefetch off)",
        "cycles of each pass through a kernel; relative error",
        "within 1 %",
        "scripts/validate.sh --only icache_core",
        points,
        lambda block: block.max_error <= 0.01,
        not_modelled("icache"),
        [
            Assumption(
                "program_text",
                "the programs behind the rows are known by their measured behaviour only and were written anew from it",
                "kernels A, C and F of each program are compared; B, D and E (chains of jumps) are not: their text is "
                "unknown",
            )
        ],
        [
            "Rows *later passes* are not in the totals: which lines a loop of 640 bytes finds in its 512 bytes of "
            "cache hangs on what earlier kernels, which are not known, left there.",
            "Rows with the cache's prefetcher on are not compared (not modelled).",
        ],
        charts=[
            (
                "icache_core.svg",
                svg.scatter("Programs behind the cache: error", "memory latency L", "error, %", series),
            )
        ],
    )


def _programs(name: str, table: str, title: str, required: str, met, notes: list[str]) -> Block:
    points = [from_test(row) for row in test_points("fidelity", "[cluster_rtl]", table)]
    markers = sum(int(point.key["markers"]) for point in points)
    equal = sum(int(point.key["equal_markers"]) for point in points)
    return Block(
        name,
        title,
        "8 x cv32e40p 6033d2b, pulp_cluster caaa973 (demultiplexers, peripherals), hci 2a5a508, "
        "event_unit_flex 763c3b9, mchan 3f2ae92, hier-icache 7243834, composed and verilated; L2 is a model",
        "reference/cluster_rtl.md, cluster_rtl/",
        "cycles from core 0's first marker to the last marker of a program; relative error",
        required,
        f"scripts/validate.sh --only {name}",
        points,
        met,
        not_modelled("core", "icache"),
        [],
        [f"Markers (a store of a core, in the cycle of its grant): {equal} of {markers} equal.", *notes],
    )


def programs_ideal() -> Block:
    return _programs(
        "cluster_ideal",
        "cluster_ideal",
        "Whole programs, ideal instruction memory",
        "equal at every marker",
        lambda block: all(p.error == 0 and p.key["markers"] == p.key["equal_markers"] for p in block.points),
        ["50 random programs; vector addition, sum, strides, events, products, double-buffered MCHAN in C."],
    )


def programs_cached() -> Block:
    return _programs(
        "cluster_cached",
        "cluster_cached",
        "Whole programs behind the instruction cache",
        "mean 0.3 %, max 1.5 %",
        lambda block: block.mean_error <= 0.003 and block.max_error <= 0.015,
        [
            "The record has obi_pulp_adapter between core and cache, which the public cluster instantiates for another "
            "core only.",
            "Most programs without hardware loops are within two cycles. When the displaced start of a hardware loop "
            "is asked for is not modelled.",
        ],
    )
