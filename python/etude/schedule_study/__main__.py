# SPDX-License-Identifier: Apache-2.0
"""Command line; see scripts/schedule_study.sh."""

import argparse
import hashlib
import json
import time
from pathlib import Path

from etude.program import find_program
from etude.schedule_study import page, readme
from etude.schedule_study.questions import ROOT, csv_of
from etude.schedule_study.sections import SECTIONS

RESULTS = ROOT / "results/schedule"


def main() -> None:
    """Runs what is chosen, then writes the page of everything that is there."""
    parser = argparse.ArgumentParser(prog="schedule_study", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="programs at a time")
    parser.add_argument("--resume", action="store_true", help="keep answers and runs of this very program")
    parser.add_argument("--sections", default=",".join(SECTIONS), help="of the page; the others stay as they are")
    parser.add_argument("--runs", type=Path, default=ROOT / "out/schedule_study")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    chosen = [name for name in options.sections.split(",") if name]
    if unknown := set(chosen) - set(SECTIONS):
        parser.error(f"--sections: no {', '.join(sorted(unknown))}; there are: {', '.join(SECTIONS)}")
    options.out.mkdir(parents=True, exist_ok=True)
    # Of another program nothing is kept.
    runs = options.runs / hashlib.sha256(find_program().read_bytes()).hexdigest()[:12]
    for name in chosen:
        begin = time.monotonic()
        rows = SECTIONS[name](runs, options.jobs, options.resume)
        print(f"{name}: {time.monotonic() - begin:.0f} s", flush=True)
        (options.out / f"{name}.json").write_text(json.dumps(rows, indent=1) + "\n")
        (options.out / f"{name}.csv").write_text(csv_of(rows))
    files = {name: options.out / f"{name}.json" for name in SECTIONS}
    parts = {name: json.loads(file.read_text()) for name, file in files.items() if file.exists()}
    for name, image in page.pictures(parts).items():
        (options.out / name).write_text(image)
    (options.out / "README.md").write_text(readme.text(parts))
    print(f"see {options.out}/README.md")


if __name__ == "__main__":
    main()
