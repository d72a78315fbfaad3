# SPDX-License-Identifier: Apache-2.0
"""Points of the sizing study again, in both tiers, by the program that is built: are they in the same order?

    python scripts/sizing_check.py [--out results/cct2_sizing]

`again.csv`: the points of front.csv that were simulated. `array_8x8.csv`: 8x8 and what it is judged against at 128 KiB
of L1, batch 1 and 400 MHz, for two ranks and sizes of L2.
"""

import argparse
import csv
import itertools
from pathlib import Path

import etude
import polars

BASE = "configs/cct2_lora.json"
CLUSTER = "/platform/cluster/"
POINTERS = {
    "rank": "/train/rank",
    "batch": "/workload/batch",
    "l1": f"{CLUSTER}tcdm/size",
    "height": f"{CLUSTER}redmule/height",
    "width": f"{CLUSTER}redmule/width",
    "pipe": f"{CLUSTER}redmule/pipe",
    "l2": "/platform/l2/size",
    "clock": f"{CLUSTER}clock_hz",
    "banks": f"{CLUSTER}tcdm/banks",
}
ARRAYS = ((4, 12, 3, 16), (4, 12, 3, 32), (8, 8, 1, 16), (8, 8, 1, 32), (8, 8, 3, 32))


def measured(point: dict) -> dict:
    """A point with what both tiers say of it."""
    row = dict(point)
    for tier in ("model", "cycle"):
        sets = {POINTERS[name]: value for name, value in point.items()} | {"/train/steps": 1, "/run/tier": tier}
        result = etude.run(BASE, sets=sets).raw
        row[f"samples_per_s {tier}"] = result["step"]["samples_per_s"]
        row[f"energy_j {tier}"] = result["step"]["energy_j"]
    row |= {"area_mm2": result["area_mm2"], "cluster_mm2": result["area"]["cluster"]}
    return row


def simulated(file: Path) -> list[dict]:
    """The points of front.csv that have a run in the cycle tier."""
    with file.open(encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row["step.samples_per_s cycle"]]
    return [{name: int(float(row[name])) for name in POINTERS} for row in rows]


def array_points() -> list[dict]:
    """8x8 against 4x12."""
    found = []
    for rank, l2, (height, width, pipe, banks) in itertools.product((2, 4), (1 << 20, 2 << 20), ARRAYS):
        array = {"height": height, "width": width, "pipe": pipe, "banks": banks}
        point = {"rank": rank, "batch": 1, "l1": 131072, "l2": l2, "clock": 400_000_000} | array
        found.append({name: point[name] for name in POINTERS})
    return found


def order_of(rows: list[dict]) -> str:
    """Pairs of points whose order by speed is not that of the other tier, and how far the tiers are apart."""
    speed = [(row["samples_per_s model"], row["samples_per_s cycle"]) for row in rows]
    pairs = list(itertools.combinations(speed, 2))
    turned = [(a, b) for a, b in pairs if (a[0] - b[0]) * (a[1] - b[1]) < 0]
    closest = max((abs(a[1] / b[1] - 1) for a, b in turned), default=0.0)
    off = {
        key: [abs(row[f"{key} model"] / row[f"{key} cycle"] - 1) for row in rows]
        for key in ("samples_per_s", "energy_j")
    }
    told = ", ".join(f"{key} off by {sum(v) / len(v):.2%} mean, {max(v):.2%} worst" for key, v in off.items())
    return f"{len(rows)} points: {told}; {len(turned)} of {len(pairs)} pairs turned, by at most {closest:.2%}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("results/cct2_sizing"))
    given = parser.parse_args()
    for name, points in (("again", simulated(given.out / "front.csv")), ("array_8x8", array_points())):
        rows = [measured(point) for point in points]
        polars.DataFrame(rows).write_csv(given.out / f"{name}.csv", float_precision=7)
        print(f"{name}: {order_of(rows)}", flush=True)


if __name__ == "__main__":
    main()
