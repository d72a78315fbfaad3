#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Small models on one RV32 core and on an ATmega328P: train, quantise, run, compare (docs/small-models.md).

    small_models.py train                                trains those of workloads/data on handwritten digits
    small_models.py quantise FLOAT.npz DATA.npz OUT.npz  float parameters of yours as an integer model
    small_models.py run MODEL.npz DATA.npz               runs it, and compares every score with the host's
    small_models.py table                                writes results/small
    small_models.py device                               writes configs/devices/atmega328p.json

DATA.npz: `x` [samples, features] int8, and `y` [samples], classes. Exit status 2: refused; 1: scores differ.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # sums in one order
sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np  # noqa: E402
from small import device, digits, firmware, models, quantise, table  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
SIM = Path(os.environ.get("ETUDE_BUILD_DIR", ROOT / "build")) / "etude-sim"


def read_data(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """`x` and `y` of an archive. Errors: ModelError."""
    file = models.read_archive(path)
    if "x" not in file or "y" not in file:
        raise models.ModelError(f'{path}: has no "x", or no "y"')
    x, y = file["x"], file["y"]
    if x.ndim != 2 or x.dtype.kind not in "iu" or y.shape != x.shape[:1] or y.dtype.kind not in "iu" or not len(x):
        raise models.ModelError(f'{path}: give "x", integers [samples, features], and "y", integers [samples]')
    return x, y


def quantise_command(arguments: argparse.Namespace) -> int:
    x, _ = read_data(arguments.data)
    given = models.read_archive(arguments.float)
    try:
        ends = (arguments.low, arguments.high)
        model = quantise.quantise(given, x, arguments.unit, ends, arguments.bits)
    except models.ModelError as error:
        raise models.ModelError(f"{arguments.float}: {error}") from None
    same = (models.predict(model, x) == quantise.float_scores(given, x * arguments.unit).argmax(1)).mean()
    models.save(arguments.out, model)
    print(f"{models.parameter_bytes(model)} B of parameters, sums of {int(model['acc_bits'])} bits;", end=" ")
    print(f"{100 * same:.2f} % of {len(x)} samples keep their class")
    return 0


def run_command(arguments: argparse.Namespace) -> int:
    model = models.load(arguments.model)
    x, y = read_data(arguments.data)
    x, y = x[arguments.first :][: arguments.count], y[arguments.first :][: arguments.count]
    models.check_inputs(model, x)
    wanted = models.scores(model, x)
    print(f"host: {100 * (wanted.argmax(1) == y).mean():.2f} % of {len(x)} samples")
    wrong = 0
    for target in arguments.target or firmware.TARGETS:
        with tempfile.TemporaryDirectory() as folder:
            run = firmware.run(model, x, target, Path(folder), SIM, arguments.profile)
        differ = int((run.scores != firmware.score_bits(wanted)).any(1).sum() + (run.classes != wanted.argmax(1)).sum())
        wrong += differ
        print(f"{target}: {'equal to the host' if not differ else f'{differ} differ from the host'};", end=" ")
        print(f"{run.cycles.mean():.0f} cycles a sample ({run.cycles.min()} to {run.cycles.max()});", end=" ")
        print(f"bytes: code {run.code}, parameters {run.parameters}, variables {run.variables}, stack {run.stack}")
    return 1 if wrong else 0


def device_command(arguments: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as folder:
        made = device.device_table(device.measured(Path(folder)))
    arguments.out.write_text(json.dumps(made, indent=2) + "\n")
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("train", help="train the models of workloads/data")
    command.add_argument("--seeds", type=int, default=5, help="how many; the first one's models are kept")
    command.add_argument("--out", type=Path, default=ROOT / "workloads/data", help="folder of the models")
    command.add_argument("--record", type=Path, default=ROOT / "results/small/training.json", help="accuracies")
    command.set_defaults(act=digits.train_command)

    command = commands.add_parser("quantise", help="float parameters as an integer model")
    command.add_argument("float", type=Path, help="w0 [out, in], b0 [out], w1, ... or Z, bz, W, V, theta")
    command.add_argument("data", type=Path, help="calibration samples")
    command.add_argument("out", type=Path, help="archive to write")
    command.add_argument("--unit", type=float, default=1.0, help="what 1 of an input stands for in the float model")
    command.add_argument("--low", type=int, default=-128, help="least input")
    command.add_argument("--high", type=int, default=127, help="largest input")
    command.add_argument("--bits", type=int, choices=(16, 32), help="of sums; else 16 where that is good enough")
    command.set_defaults(act=quantise_command)

    command = commands.add_parser("run", help="run a model, compare with the host")
    command.add_argument("model", type=Path)
    command.add_argument("data", type=Path)
    command.add_argument("--target", action="append", choices=firmware.TARGETS, help="else all")
    command.add_argument("--first", type=int, default=0, help="sample")
    command.add_argument("--count", type=int, help="of samples; else all")
    command.add_argument("--profile", type=Path, help="folder for the profile of rv32 (docs/profile.md)")
    command.set_defaults(act=run_command)

    command = commands.add_parser("table", help="write results/small")
    command.add_argument("--out", type=Path, default=ROOT / "results/small")
    command.set_defaults(act=lambda arguments: table.write(arguments.out, SIM))

    command = commands.add_parser("device", help="write the cost table of the ATmega328P")
    command.add_argument("--out", type=Path, default=ROOT / "configs/devices/atmega328p.json")
    command.set_defaults(act=device_command)
    return parser.parse_args()


def main() -> int:
    arguments = parse()
    try:
        return arguments.act(arguments)
    except (models.ModelError, firmware.ToolError) as error:
        print(f"small_models.py: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
