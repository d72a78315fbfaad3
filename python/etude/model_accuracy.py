# SPDX-License-Identifier: Apache-2.0
"""How far the model tier is off: random steps in both tiers, a table and its summary.

    python -m etude.model_accuracy --points 64 --seed 2 --out results/model_accuracy [--runs out/model_accuracy]

The database of the model tier is a new one beside the runs: nothing is known before the first point. What the
correction was fitted on were other steps.
"""

import argparse
import csv
import os
import random
from itertools import combinations
from pathlib import Path

from etude.studies.runs import Point, run_points

# Networks that a cycle run finishes within seconds, with the batches that are drawn.
NETWORKS = {
    "cct2": (1, 2),
    "deep_ae": (4, 8, 12, 16, 24, 32),
    "mlp": (8, 16, 24, 32, 64),
    "bert": (1, 2, 4),
    "resnet8": (1, 2),
    "ds_cnn": (1,),
}


def draw(rng: random.Random, number: int) -> Point:
    """A step of a network, method, rank, batch, L1, L2, array, banks, cores and home, each drawn; some of them with a
    schedule."""
    network = rng.choice(
        ("cct2", "cct2", "cct2", "deep_ae", "deep_ae", "mlp", "mlp", "bert", "bert", "resnet8", "ds_cnn")
    )
    workload = {"network": network, "batch": rng.choice(NETWORKS[network])}
    train = {"method": "full", "steps": 1, "seed": number, "optimizer": rng.choice(("sgd", "sgd", "momentum", "adam"))}
    if network == "cct2":
        train["method"] = rng.choice(("lora", "lora", "lora", "linear_probe", "last_k"))
        train |= {"k": rng.choice((1, 2)), "rank": rng.choice((1, 2, 4, 6, 8, 12, 16, 32))}
    if network == "mlp":
        workload["sizes"] = [rng.choice((48, 64, 100, 128, 200, 256)) for _ in range(rng.randint(3, 7))] + [10]
    if network == "bert":
        workload["sizes"] = [
            rng.choice((16, 32)),
            rng.choice((32, 64)),
            2,
            rng.choice((64, 128)),
            rng.choice((1, 2, 4)),
            3,
        ]
    workload["home"] = rng.choice(("auto", "extmem", "auto"))
    height, width, pipe = rng.choice(
        ((4, 12, 3), (4, 12, 3), (4, 8, 3), (8, 8, 1), (2, 12, 3), (4, 16, 3), (4, 4, 3), (8, 16, 1))
    )
    sets = [
        f"/platform/cluster/tcdm/size={rng.choice((128, 192, 256, 384, 512)) * 1024}",
        f"/platform/cluster/redmule/height={height}",
        f"/platform/cluster/redmule/width={width}",
        f"/platform/cluster/redmule/pipe={pipe}",
        f"/platform/cluster/tcdm/banks={rng.choice((16, 16, 32))}",
        f"/platform/cluster/cores={rng.choice((8, 8, 8, 4))}",
        f"/platform/cluster/dma/engine={rng.choice(('mchan', 'mchan', 'mchan', 'idma'))}",
        f"/platform/l2/size={rng.choice((2, 4)) << 20}",
        "/run/verify=false",
    ]
    config = {"platform": "platform/traindeeploy.json", "workload": workload, "train": train}
    if network in ("cct2", "deep_ae") and train["method"] != "linear_probe" and number % 4 == 3:
        config["schedule"] = {"policy": ("page", "capuchin")[number // 4 % 2], "budget": 0.9}
    return Point(f"p{number:03d}", config, tuple(sets))


def tau(pairs: list[tuple[float, float]]) -> float:
    """Kendall's tau-a of pairs of numbers."""
    found = [(a[0] - b[0]) * (a[1] - b[1]) for a, b in combinations(pairs, 2)]
    return (sum(f > 0 for f in found) - sum(f < 0 for f in found)) / max(1, len(found))


def rows_of(points: list[Point], runs: Path, jobs: int) -> list[dict]:
    """A row for each point that both tiers have."""
    cycle = run_points(points, runs, jobs, resume=True)
    database = (runs / "model.sqlite").absolute()
    database.unlink(missing_ok=True)
    os.environ["ETUDE_MODEL_DATABASE"] = str(database)
    again = [p for p in points if "error" not in cycle[p.name]]
    model = run_points(again, runs, jobs, resume=False, tier="model")
    rows = []
    for point in points:
        real, modelled = cycle[point.name], model.get(point.name, {"error": "refused"})
        if "error" in real or "error" in modelled:
            continue
        row = {"point": point.name, "title": real["title"], "changed": " ".join(point.sets[:-1])}
        for name in ("cycles", "energy_j"):
            row |= {f"{name}_cycle": real["step"][name], f"{name}_model": modelled["step"][name]}
            row[f"{name}_error"] = modelled["step"][name] / real["step"][name] - 1
        row["shapes"] = modelled["model"]["shapes"]
        rows.append(row)
    return rows


def summary(rows: list[dict], command: str) -> str:
    """The summary as Markdown."""
    lines = ["# Accuracy of the model tier", "", "Made by", "", f"    {command}", ""]
    lines += [f"{len(rows)} random steps, `points.csv`; the database was empty before the first.", ""]
    lines += ["| of | mean error | mean of absolute errors | worst | Kendall tau |", "|---|---|---|---|---|"]
    for name, words in (("cycles", "cycles"), ("energy_j", "energy")):
        errors = [row[f"{name}_error"] for row in rows]
        absolute = [abs(e) for e in errors]
        order = tau([(row[f"{name}_cycle"], row[f"{name}_model"]) for row in rows])
        lines.append(
            f"| {words} | {sum(errors) / len(errors):+.2%} | {sum(absolute) / len(errors):.2%} | {max(absolute):.2%} "
            f"| {order:.3f} |"
        )
    lines += [
        "",
        "Each fourth step, where it is of CCT-2 or Deep-AE and no linear probe, has a schedule (`page` or `capuchin`,",
    ]
    lines += ["0.9 of what keep needs). The whole takes some minutes of one processor."]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=64)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--runs", type=Path, default=Path("out/model_accuracy"))
    asked = parser.parse_args()
    rng = random.Random(asked.seed)
    points = [draw(rng, i) for i in range(asked.points)]
    rows = rows_of(points, asked.runs / f"seed{asked.seed}", asked.jobs)
    asked.out.mkdir(parents=True, exist_ok=True)
    with (asked.out / "points.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()} for row in rows)
    command = f"python -m etude.model_accuracy --points {asked.points} --seed {asked.seed} --out {asked.out}"
    (asked.out / "README.md").write_text(summary(rows, command))
    print(summary(rows, command))


if __name__ == "__main__":
    main()
