# SPDX-License-Identifier: Apache-2.0
"""Compares the results of this tree with those of another commit, configuration by configuration.

    .venv/bin/python scripts/compare_results.py REVISION [--engines fast,lockstep] [--only NAME...] [--jobs N]
    .venv/bin/python scripts/compare_results.py --base-build FOLDER ...

REVISION is built in a work tree of its own below build/compare/. Equal means: every byte of result.json but
`simulator`, counters renamed since then (scripts/renamed_counters.json) mapped. Where results differ, the cycles of
the step before and after are printed. Exit status: 0 all equal, or with --cycles all within the limits; 1 otherwise.
"""

import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("ETUDE_SHARED_DIR", ROOT.parent / "shared")) / "data"
PLATFORM = "platform/traindeeploy.json"


def network(name, train, **workload):
    return {"platform": PLATFORM, "workload": {"network": name, **workload}, "train": {"seed": 1, **train}}


def onnx(name, **workload):
    files = {"onnx": str(SHARED / name / "network.onnx"), "inputs": str(SHARED / name / "inputs.npz")}
    return {"platform": PLATFORM, "workload": {**files, **workload}}


FULL = {"method": "full", "lr": 0.01, "steps": 2}
CASES = {
    "deep_ae": "configs/deep_ae.json",
    "cct2_lora": "configs/cct2_lora.json",
    "resnet8": network("resnet8", FULL),
    "ds_cnn": network("ds_cnn", FULL),
    "bert": network("bert", FULL, sizes=[9, 24, 2, 32, 2, 3], batch=2),
    "onnx_lp": onnx("CCT2_LP"),
    "onnx_lora1": onnx("CCT2_LoRA1"),
    "onnx_lora1_extmem": onnx("CCT2_LoRA1", home="extmem"),
}
# Further ones, where plans may change: the published methods, small memories, other units.
MORE = {
    "cct2_probe": network("cct2", {"method": "linear_probe"}, home="extmem"),
    "cct2_last2": network("cct2", {"method": "last_k", "k": 2}, home="extmem"),
    "cct2_full": network("cct2", {"method": "full"}, home="extmem"),
    "cct2_lora_small_l1": {
        **network("cct2", {"method": "lora", "rank": 4, "k": 2}, home="extmem"),
        "tiling": {"l1_budget": 128000},
    },
    "cct2_adam": network("cct2", {"method": "lora", "rank": 4, "optimizer": "adam"}),
    "deep_ae_b1": network("deep_ae", FULL, batch=1),
    "deep_ae_b8_extmem": network("deep_ae", FULL, batch=8, home="extmem"),
    "deep_ae_small_l1": {**network("deep_ae", FULL, batch=24), "tiling": {"l1_budget": 64000}},
    "resnet8_last1": network("resnet8", {"method": "last_k", "k": 1}, batch=2),
    "mobilenet_last1": network("mobilenet_v1_025", {"method": "last_k", "k": 1}),
}


def build(revision: str) -> Path:
    """The build folder of another commit, in a work tree below build/compare/."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short=12", revision], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()
    tree = ROOT / "build" / "compare" / commit
    if not tree.exists():
        subprocess.run(["git", "worktree", "add", "--detach", str(tree), commit], cwd=ROOT, check=True)
    for tools in (".venv", ".deps"):  # what setup.sh has fetched serves both
        if (ROOT / tools).exists() and not (tree / tools).exists():
            (tree / tools).symlink_to((ROOT / tools).resolve())
    if not (tree / "build" / "build.ninja").exists():
        subprocess.run(["cmake", "--preset", "release"], cwd=tree, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", "build", "--target", "etude-sim", "kernels/all"], cwd=tree, check=True)
    return tree / "build"


def run(program: Path, config: str, engine: str, out: Path) -> dict | str:
    """result.json without `simulator`, or the last line of what went wrong."""
    done = subprocess.run(
        [str(program), "run", config, "--engine", engine, "--out", str(out), "--quiet"],
        cwd=program.parents[1],  # each side reads the configurations of its own tree
        capture_output=True,
        text=True,
    )
    result = out / "result.json"
    if not result.exists():
        return f"exit {done.returncode}: " + (done.stderr.strip().splitlines() or ["no message"])[-1]
    found = json.loads(result.read_text())
    del found["simulator"]
    return found


def renamed(value, names: dict):
    """The same with the keys of counters as they are called now."""
    if isinstance(value, dict):
        return {names.get(key, key): renamed(item, names) for key, item in value.items()}
    return [renamed(item, names) for item in value] if isinstance(value, list) else value


def first_difference(a, b, where="") -> str | None:
    """The JSON pointer of the first member that differs."""
    if isinstance(a, dict) and isinstance(b, dict):
        keys = list(a) + [key for key in b if key not in a]
        return next((d for k in keys if (d := first_difference(a.get(k), b.get(k), f"{where}/{k}"))), None)
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        pairs = enumerate(zip(a, b, strict=True))
        return next((d for i, (x, y) in pairs if (d := first_difference(x, y, f"{where}/{i}"))), None)
    return None if a == b else f"{where}: {str(a)[:60]} before, {str(b)[:60]} now"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("revision", nargs="?")
    parser.add_argument("--base-build", type=Path, help="a build folder of the other commit, instead of REVISION")
    parser.add_argument("--engines", default="fast,lockstep")
    parser.add_argument("--only", nargs="*", help="names of configurations")
    parser.add_argument("--more", action="store_true", help="the further configurations too")
    parser.add_argument("--cycles", action="store_true", help="compare cycles: mean within 0.5 %%, none 1 %% worse")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    if (arguments.revision is None) == (arguments.base_build is None):
        parser.error("give REVISION or --base-build")
    base = arguments.base_build or build(arguments.revision)
    mapping = ROOT / "scripts" / "renamed_counters.json"
    names = json.loads(mapping.read_text()) if mapping.exists() else {}
    cases = {**CASES, **(MORE if arguments.more or arguments.only else {})}
    if arguments.only:
        unknown = [name for name in arguments.only if name not in cases]
        if unknown:
            parser.error(f"no configuration {unknown[0]}; there are {', '.join(cases)}")
        cases = {name: cases[name] for name in arguments.only}
    programs = {"before": base.resolve() / "etude-sim", "now": ROOT / "build" / "etude-sim"}
    failed = 0
    ratios = []
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        files = {}
        for name, config in cases.items():  # written before any run: all of them read the same file
            files[name] = config
            if isinstance(config, dict):
                files[name] = str(Path(folder) / f"{name}.json")
                Path(files[name]).write_text(json.dumps(config))
        work = {
            (name, engine, side): pool.submit(run, program, config, engine, Path(folder) / f"{name}.{engine}.{side}")
            for name, config in files.items()
            if not (name.startswith("onnx") and not SHARED.exists())
            for engine in arguments.engines.split(",")
            for side, program in programs.items()
        }
        for name, engine, side in work:
            if side != "before":
                continue
            before, now = (work[name, engine, s].result() for s in programs)
            if isinstance(before, str) or isinstance(now, str):
                same = before == now
                failed += not same
                print(f"{name:20} {engine:9} {'same refusal: ' + before if same else f'{before!s:.80} / {now!s:.80}'}")
                continue
            difference = first_difference(renamed(before, names), now)
            cycles = before["step"]["cycles"], now["step"]["cycles"]
            ratios.append(cycles[1] / cycles[0])
            text = "equal" if difference is None else f"{cycles[0]:,} -> {cycles[1]:,} cycles ({ratios[-1] - 1:+.2%})"
            print(f"{name:20} {engine:9} {text}" + (f"; first at {difference}" if difference else ""), flush=True)
            failed += ratios[-1] > 1.01 if arguments.cycles else difference is not None
            failed += now["check"] is not None and not now["check"]["passed"]
    if ratios:
        mean = sum(ratios) / len(ratios) - 1
        print(f"mean {mean:+.3%}, worst {max(ratios) - 1:+.2%}, best {min(ratios) - 1:+.2%}")
        failed += arguments.cycles and mean > 0.005
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
