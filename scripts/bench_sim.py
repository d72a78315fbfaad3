# SPDX-License-Identifier: Apache-2.0
"""Speed of the simulator: CPU time, simulated cycles per second, host instructions per simulated cycle.

    scripts/bench.sh sim [--against REVISION | --base-build FOLDER] [--only NAME...] [--repeats N] [--instructions]

With another revision, which is built in a work tree of its own below build/compare/, both are run in turn, and ratios
now/before are printed. CPU s: user and system time of whole processes with all checks, the least of the repeats.
Mcycle/s: cycles that were simulated (not those jumped over) per second inside the engine. Host instructions are counted
by valgrind's callgrind, without noise: of runs, the second step less the first, without checks; of programs, all of it.
"""

import argparse
import json
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from compare_results import ROOT, build  # noqa: E402

COUNTED = ["--set", "/platform/cluster/corev_cluster=true"]
# name: (source, definition) of kernels/bench, or the program of build/kernels; turns when counted by callgrind
PROGRAMS = {
    "matmul": ("8 cores, FP32 matmul in TCDM", "gemm_bench.elf", None, None, None),
    "redmule": ("RedMulE 96x96x96 FP16 back to back", "redmule_jobs.S", "JOBS", 600, 60),
    "barriers": ("8 cores at a barrier", "barriers.S", "ROUNDS", 100_000, 5_000),
    "dma": ("a DMA copy loop, 16 KiB", "dma_copies.S", "COPIES", 1_000, 50),
    "one_core": ("one core, a loop in registers", "one_core_loop.S", "TURNS", 20_000_000, 500_000),
}
RUNS = {"deep_ae": "configs/deep_ae.json", "cct2_lora": "configs/cct2_lora.json"}


def assemble(source: str, name: str, turns: int, folder: Path) -> Path:
    elf = folder / f"{name}{turns}.elf"
    subprocess.run(
        ["clang-19", "--target=riscv32", "-march=rv32imc_zfinx_zicsr_xcvelw", "-mabi=ilp32", "-nostdlib", "-static"]
        + ["-fuse-ld=lld-19", "-Wl,-Ttext=0x1C008080", "-Wl,--no-relax", f"-D{name}={turns}", "-o", elf]
        + [ROOT / "kernels" / "bench" / source],
        check=True,
    )
    return elf


def timed(command: list, cwd: Path) -> tuple[float, float, str]:
    """CPU seconds, wall seconds and standard output of a process."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"bench: {' '.join(map(str, command))}: {done.stderr.strip()}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall, done.stdout


def counted(command: list, cwd: Path) -> tuple[int, str]:
    """Host instructions and standard output of a process."""
    valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    done = subprocess.run(valgrind + list(map(str, command)), cwd=cwd, capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or found is None:
        sys.exit(f"bench: valgrind {' '.join(map(str, command))}: {done.stderr.strip()[-300:]}")
    return int(found[1]), done.stdout


class Case:
    """One line of the table, for any build."""

    def __init__(self, name: str, engine: str, folder: Path):
        self.name, self.engine, self.folder = name, engine, folder
        self.title = f"{name}, {engine}"

    def run(self, tree: Path) -> dict:
        program = tree / "build" / "etude-sim"
        if self.name in RUNS:
            out = self.folder / "out"
            command = [program, "run", RUNS[self.name], "--engine", self.engine, "--out", out, "--quiet"]
            cpu, wall, _ = timed(command, tree)
            simulator = json.loads((out / "result.json").read_text())["simulator"]
            return {"cpu": cpu, "wall": wall, "speed": simulator["mcycles_per_s"]}
        _, file, definition, turns, _ = PROGRAMS[self.name]
        elf = assemble(file, definition, turns, self.folder) if definition else ROOT / "build" / "kernels" / file
        cpu, wall, text = timed([program, "elf", elf, "--json", "--engine", self.engine, *COUNTED], tree)
        report = json.loads(text.strip().splitlines()[-1])
        return {"cpu": cpu, "wall": wall, "speed": report["mcycles_per_s"], "cycles": report["cycles"]}

    def instructions(self, tree: Path) -> float:
        program = tree / "build" / "etude-sim"
        if self.name in RUNS:
            sums, cycles = [], 0
            for steps in (1, 2):
                out = self.folder / "out"
                command = [program, "run", RUNS[self.name], "--set", f"/train/steps={steps}", "--no-verify"]
                sums.append(counted([*command, "--engine", self.engine, "--out", out, "--quiet"], tree)[0])
                cycles = json.loads((out / "result.json").read_text())["step"]["cycles"]
            return (sums[1] - sums[0]) / cycles
        _, file, definition, _, turns = PROGRAMS[self.name]
        elf = assemble(file, definition, turns, self.folder) if definition else ROOT / "build" / "kernels" / file
        count, text = counted([program, "elf", elf, "--json", "--engine", self.engine, *COUNTED], tree)
        return count / json.loads(text.strip().splitlines()[-1])["cycles"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", metavar="REVISION", help="a commit to compare with")
    parser.add_argument("--base-build", type=Path, help="a build folder of the other commit, instead of --against")
    parser.add_argument("--only", nargs="*", choices=[*PROGRAMS, *RUNS], default=[*PROGRAMS, *RUNS])
    parser.add_argument("--engines", nargs="*", choices=["fast", "lockstep"], default=["fast"])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--instructions", action="store_true", help="count host instructions too (slow)")
    arguments = parser.parse_args()
    if arguments.repeats < 1:
        parser.error("--repeats must be at least 1")
    base = arguments.base_build.resolve() if arguments.base_build else None
    if arguments.against:
        base = build(arguments.against)
    trees = {"before": base.parent, "now": ROOT} if base else {"now": ROOT}
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.only:
            for engine in arguments.engines:
                case = Case(name, engine, Path(folder))
                runs = {side: [] for side in trees}
                for _ in range(arguments.repeats):
                    for side, tree in trees.items():
                        runs[side].append(case.run(tree))
                for side, found in runs.items():
                    cpu = [run["cpu"] for run in found]
                    speed = [run["speed"] for run in found]
                    print(
                        f"{case.title:24} {side:7} CPU {min(cpu):7.3f} s (median {statistics.median(cpu):7.3f}), wall "
                        f"{min(run['wall'] for run in found):7.3f} s, {max(speed):8.2f} Mcycle/s",
                        flush=True,
                    )
                counts = (
                    {side: case.instructions(tree) for side, tree in trees.items()} if arguments.instructions else {}
                )
                for side, count in counts.items():
                    print(f"{case.title:24} {side:7} {count:10,.0f} host instructions per simulated cycle", flush=True)
                if base:
                    least = {side: min(run["cpu"] for run in found) for side, found in runs.items()}
                    text = f"CPU {least['now'] / least['before']:.2f}"
                    if counts:
                        text += f", host instructions {counts['now'] / counts['before']:.3f}"
                    print(f"{case.title:24} now/before: {text}", flush=True)


if __name__ == "__main__":
    main()
