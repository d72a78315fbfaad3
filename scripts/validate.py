# SPDX-License-Identifier: Apache-2.0
"""Compares every model with its reference and writes results/validation and docs/validation.md.

Use scripts/validate.sh, which builds what this needs first.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from validation import cluster, core, dma, memory, page, redmule, soc  # noqa: E402
from validation.tools import ROOT, NotAvailable, dump, write_points  # noqa: E402

BLOCKS = {
    "core": core.block,
    "redmule": redmule.block,
    "redmule_stalled": redmule.stalled,
    "hci": memory.hci,
    "tcdm_contention": memory.tcdm,
    "redmule_contention": memory.redmule,
    "dma": dma.block,
    "event_unit": cluster.event_unit,
    "icache": cluster.icache,
    "icache_core": cluster.icache_core,
    "cluster_ideal": cluster.programs_ideal,
    "cluster_cached": cluster.programs_cached,
    "soc": soc.closed_forms,
    "energy": soc.energy,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=BLOCKS, help="a block; the others keep their results")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "validation")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "validation.md")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    missed = False
    for name in arguments.only or BLOCKS:
        try:
            block = BLOCKS[name]()
        except NotAvailable as error:
            print(f"{name:20} not compared: {error}", flush=True)
            kept = arguments.out / f"{name}.json"
            if not kept.exists():
                command = f"scripts/validate.sh --only {name}"
                record = {"block": name, "title": name.replace("_", " "), "status": "not available"}
                dump(kept, record | {"reason": str(error), "assumptions": [], "command": command})
            continue
        record = block.record()
        dump(arguments.out / f"{name}.json", record)
        write_points(arguments.out / f"{name}.csv", block.points)
        for file, text in block.charts:
            (arguments.out / file).write_text(text)
        missed |= record["status"] != "met"
        print(
            f"{name:20} {record['points']:5} points, {record['equal']} equal, mean error {record['mean_error']:.4g}, "
            f"max {record['max_error']:.4g}: {record['status']}",
            flush=True,
        )
    page.write(arguments.out, arguments.page, list(BLOCKS))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
