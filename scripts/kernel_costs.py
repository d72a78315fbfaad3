# SPDX-License-Identifier: Apache-2.0
"""Measures every kernel on the modelled cluster and fits the coefficients that the compiler prices it with.

    .venv/bin/python scripts/kernel_costs.py            # writes compiler/cost/coefficients.def, docs/kernels.md
    .venv/bin/python scripts/kernel_costs.py --check    # compares; exit status 1 if a coefficient has moved
    .venv/bin/python scripts/kernel_costs.py --fit      # prints what the fit says of each size, writes nothing

build/kernels/kernel_costs.elf runs each kernel over a handful of sizes on the eight cores of
configs/platform/traindeeploy.json, each call behind one of another kernel that was posted before. Rows of the file that
are marked `assumed` are left alone, and so are shares and all else that it holds. Same program, same bytes.
"""

import argparse
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "compiler" / "cost" / "coefficients.def"
PAGE = ROOT / "docs" / "kernels.md"
PLATFORM = "configs/platform/traindeeploy.json"
CORES = 8
LIMIT = 0.1  # relative change of a price that is none
BEGIN, END = "<!-- made by scripts/kernel_costs.py -->", "<!-- to here -->"
TERMS = ("fixed", "row", "element", "run", "product")
WITH_INNER = {  # kernels whose extents have inner steps; of the others a run is a row, a product an element
    *("GEMM", "IM2COL", "IM2ROW", "COL2IM", "MAXPOOL", "AVGPOOL", "MAXPOOL_GRAD", "AVGPOOL_GRAD", "DEPTHWISE"),
    *("DEPTHWISE_GRAD_INPUT", "DEPTHWISE_GRAD_WEIGHT", "CHANNEL_SUMS", "CHANNEL_PRODUCTS"),
    *("BATCHNORM", "BATCHNORM_APPLY", "BATCHNORM_GRAD"),
    *("IM2COL_DILATED", "IM2ROW_DILATED", "COL2IM_DILATED", "MAXPOOL_DILATED", "MAXPOOL_GRAD_DILATED"),
    *("AVGPOOL_DILATED", "AVGPOOL_GRAD_DILATED", "DEPTHWISE_DILATED", "DEPTHWISE_GRAD_INPUT_DILATED"),
    "DEPTHWISE_GRAD_WEIGHT_DILATED",
}
ROW = re.compile(r"^ETUDE_KERNEL_COST\((\w+), (\w+), ([^,]+), ([^,]+), ([^,]+), ([^,]+), ([^,]+), (\w+)\)$", re.M)


class Cost:
    """A row of the file: the share of the busiest core, coefficients by term, and where they come from."""

    def __init__(self, share: str, coefficients: dict, source: str):
        self.share, self.coefficients, self.source = share, coefficients, source

    def terms(self, rows: int, cols: int, inner: int) -> dict:
        """What the coefficients multiply in a call of these extents."""
        cores = CORES
        if self.share != "even":
            cores = 1
            rows = -(-rows // CORES) if self.share == "rows" else rows
            cols = -(-cols // CORES) if self.share == "columns" else cols
        work = {"row": rows, "element": rows * cols, "run": rows * inner, "product": rows * cols * inner}
        return {"fixed": 1.0, **{term: value / cores for term, value in work.items()}}

    def cycles(self, *extents: int) -> float:
        terms = self.terms(*extents)
        return sum(terms[term] * value for term, value in self.coefficients.items())


def read(text: str) -> dict[str, Cost]:
    return {
        row[0]: Cost(row[1], dict(zip(TERMS, map(float, row[2:7]), strict=True)), row[7]) for row in ROW.findall(text)
    }


def measure(build: Path) -> dict[str, list]:
    """By kernel: (extents, cycles behind itself, cycles behind another kernel) of each size."""
    command = [build / "etude-sim", "elf", build / "kernels" / "kernel_costs.elf", "--platform", PLATFORM]
    command += ["--set", "/platform/cluster/controller=true"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: exit {done.returncode}: {done.stderr.strip()}")
    found = defaultdict(list)
    for name, rows, cols, inner, hot, warm in re.findall(r"^(\w+) (\d+) (\d+) (\d+): (\d+) (\d+)$", done.stdout, re.M):
        found[name.upper()].append(((int(rows), int(cols), int(inner)), int(hot), int(warm)))
    return dict(found)


def fit(kernel: str, share: str, sizes: list) -> Cost:
    """Least squares of relative errors over non-negative coefficients, three digits each; `warm` cycles count."""
    wanted = ("fixed", "row", "element") + (("run", "product") if kernel in WITH_INNER else ())
    cost = Cost(share, dict.fromkeys(TERMS, 0.0), "measured")
    rows = np.array([[cost.terms(*extents)[term] / warm for term in wanted] for extents, _, warm in sizes])
    used = list(range(len(wanted)))
    while True:
        found = np.linalg.lstsq(rows[:, used], np.ones(len(sizes)), rcond=None)[0]
        if found.min() >= 0:
            break
        used.pop(int(found.argmin()))
    for index, value in zip(used, found, strict=True):
        term = wanted[index]
        cost.coefficients[term] = float(round(value)) if term == "fixed" else float(f"{value:.3g}")
    return cost


def fitted(old: dict[str, Cost], measured: dict[str, list]) -> dict[str, Cost]:
    """The file's rows, those anew that are measured."""
    return {k: fit(k, cost.share, measured[k]) if cost.source == "measured" else cost for k, cost in old.items()}


def moved(old: Cost, new: Cost, sizes: list) -> float:
    """The largest relative change of what a size is priced."""
    return max((abs(new.cycles(*extents) / old.cycles(*extents) - 1) for extents, _, _ in sizes), default=0.0)


def row(kernel: str, cost: Cost) -> str:
    numbers = ", ".join(f"{cost.coefficients[term]:g}" for term in TERMS)
    return f"ETUDE_KERNEL_COST({kernel}, {cost.share}, {numbers}, {cost.source})"


def table(costs: dict[str, Cost], measured: dict[str, list]) -> str:
    """The page's table: coefficients, and how far they are from what was measured."""
    lines = [
        "| kernel | share | fixed | row | element | run | product | source | error, mean and worst |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for kernel, cost in costs.items():
        errors = [cost.cycles(*extents) / warm - 1 for extents, _, warm in measured.get(kernel, [])]
        off = f"{np.mean(np.abs(errors)):.0%}, {max(errors, key=abs):+.0%}" if errors else ""
        numbers = " | ".join(f"{cost.coefficients[term]:g}" if cost.coefficients[term] else "" for term in TERMS)
        lines.append(f"| {kernel.lower()} | {cost.share} | {numbers} | {cost.source} | {off} |")
    return "\n".join(lines)


def with_table(page: str, text: str) -> str:
    return re.sub(f"(?<={BEGIN}\n).*?(?=\n{END})", lambda _: text, page, flags=re.S)


def coefficients_of(page: str) -> list[str]:
    """The rows of the page's table without their errors."""
    return [line.rsplit("|", 2)[0] for line in page.split(BEGIN)[1].split(END)[0].splitlines()]


def differences(measured: dict[str, list], limit: float) -> list[str]:
    """What of the file and the page is not as measured: prices that move by more than `limit`, other coefficients."""
    page, old = PAGE.read_text(), read(FILE.read_text())
    costs = fitted(old, measured)
    changes = {kernel: moved(old[kernel], costs[kernel], measured.get(kernel, [])) for kernel in costs}
    failed = [f"{kernel}: prices moved by {by:.1%}" for kernel, by in changes.items() if by > limit]
    if coefficients_of(with_table(page, table(old, measured))) != coefficients_of(page):
        failed.append(f"{PAGE.relative_to(ROOT)}: its table is another one")
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the file and write nothing")
    parser.add_argument("--fit", action="store_true", help="print every size beside its price and write nothing")
    parser.add_argument("--limit", type=float, default=LIMIT, help="relative change of a price that --check allows")
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="folder with etude-sim and kernels/")
    arguments = parser.parse_args()
    text, page = FILE.read_text(), PAGE.read_text()
    old, measured = read(text), measure(arguments.build)
    costs = fitted(old, measured)
    if arguments.fit:
        for kernel, sizes in measured.items():
            print(row(kernel, costs[kernel]))
            for extents, hot, warm in sizes:
                price = costs[kernel].cycles(*extents)
                print(f"  {extents}: {hot} {warm}, priced {price:.0f} ({price / warm - 1:+.1%})")
        return 0
    if not arguments.check:
        FILE.write_text(ROW.sub(lambda found: row(found[1], costs[found[1]]), text))
        PAGE.write_text(with_table(page, table(costs, measured)))
        return 0
    failed = differences(measured, arguments.limit)
    print("\n".join(failed) or f"{len(measured)} kernels as in {FILE.relative_to(ROOT)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
