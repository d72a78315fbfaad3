# SPDX-License-Identifier: Apache-2.0
"""Cluster DMA: launch and completion of each recorded transfer, MCHAN and iDMA."""

import json
import re
import tempfile

from validation import svg
from validation.tools import Assumption, Block, Point, in_parallel, not_modelled, read_csv, reference, sim


def group_of(row: dict[str, str]) -> str:
    transfers = row["transfers"].split()
    several = "one transfer" if len(transfers) == 1 else "several"
    directions = {transfer.split(":")[1][0] for transfer in transfers}
    way = "L2 to L1" if directions == {"R"} else "L1 to L2" if directions == {"W"} else "both ways"
    rows = "2-D" if re.search(r"[et]\d", row["transfers"]) else "1-D"
    return f"{row['dma']}, {several}, {rows}, {way}"


def replay(lines: list[str]) -> dict:
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        file.write("".join(lines))
        file.flush()
        return json.loads(sim("replay", "dma", file.name, "--json"))


def block() -> Block:
    path = reference("dma_rtl.csv")
    rows = read_csv(path)
    header, *lines = path.read_text().splitlines(keepends=True)
    groups: dict[tuple[str, str], list[int]] = {}
    for index, row in enumerate(rows):
        groups.setdefault((group_of(row), row["LR"]), []).append(index)
    results = in_parallel(lambda members: replay([header, *(lines[i] for i in members)]), groups.values())
    points, by_latency, totals = [], {}, {}
    for (group, latency), result in sorted(zip(groups, results, strict=True), key=lambda item: item[0]):
        engine = group.split(",")[0]
        total = totals.setdefault(engine, [0, 0, 0])
        total[0] += result["completions"]
        total[1] += result["different"]
        total[2] = max(total[2], result["max_error"])
        by_latency.setdefault(engine, []).append((float(latency), result["max_error"]))
        differ, worst = result["different"], float(result["max_error"])
        count = result["completions"]
        key = {"latency": f"L {latency}"}
        points.append(Point(key, group, count - differ, count - differ, 0.0, weight=count - differ))
        if differ:
            # The command gives the largest difference of a group; it stands for each of them.
            points.append(Point(key, group, differ, 0, worst, weight=differ, equal=0))
    return Block(
        "dma",
        "Cluster DMA: MCHAN and iDMA",
        "mchan 3f2ae92; iDMA v0.5.1 (ca1b288) in pulp_cluster caaa973's wrapper; verilated",
        "reference/dma.md, dma_rtl.csv",
        "cycle of launch and of completion of each transfer; error in cycles: the largest of each "
        "group and latency, so that the mean is an upper bound",
        "equal on at least 99 % of the transfers of each engine, none off by more than 2 cycles",
        "scripts/validate.sh --only dma",
        points,
        lambda block: all(differ <= 0.01 * count and worst <= 2 for count, differ, worst in totals.values()),
        not_modelled("dma", "mchan", "idma"),
        [
            Assumption(
                "axi_latency",
                "latency between the cluster's AXI port and L2, clock-domain crossing and AXI tree in it, is one "
                "number of the platform (/platform/l2); no RTL of the way was measured",
                "each transfer's start; hidden behind other work where tiles are double-buffered",
                "units.dma",
            ),
            Assumption(
                "idma_streams",
                "iDMA 0.6.x and several streams are not measured; the model is the 0.5.1 wrapper with one stream",
                "platforms with engine idma",
            ),
        ],
        [
            f"{engine}: {count - differ} of {count} completions equal, largest difference {worst} cycle(s)."
            for engine, (count, differ, worst) in sorted(totals.items())
        ],
        [
            (
                "dma.svg",
                svg.scatter(
                    "DMA: largest difference by memory latency", "latency, cycles", "cycles", by_latency, log_x=False
                ),
            )
        ],
    )
