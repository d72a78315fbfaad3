# SPDX-License-Identifier: Apache-2.0
"""Speed of the simulator: CPU time, simulated cycles per second, host instructions per simulated cycle.

    scripts/bench.sh sim [--against REVISION | --base-build FOLDER] [--only NAME...] [--repeats N]
        [--instructions [NAME...]] [--results FOLDER]

With another revision, which is built in a work tree of its own below build/compare/, both are run in turn, and ratios
now/before are printed: of CPU time and of Mcycle/s the median of the pairs. CPU s: user and system time of whole
processes with all checks, the least of the repeats. Mcycle/s: cycles that were simulated (not those jumped over) per
second inside the engine. Host instructions are counted by valgrind's callgrind, without noise: of runs, the second step
less the first, without checks; of programs, a long loop less a short one (of `matmul` all of it).
--results writes README.md and speed.json there, for results/speed.
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

TABLE = """# Speed of the simulator

Written by this command, which builds the other commit beside and runs both in turn:

    {command}

Before: {before}

CPU s: whole processes with all checks, the least of the repeats. Mcycle/s: inside the engine, the most of them. Their
ratios are now/before, medians of pairs that ran one after the other. Host instructions (callgrind, without noise) for a
simulated cycle: of the two runs the second step less the first, of programs a long loop less a short one, of the matmul
all of it. Three times the speed is a ratio of 0.333 in CPU time or host instructions.

| Case | CPU s before | now | ratio | Mcycle/s before | now | ratio | Host instructions | now | ratio |
|---|---|---|---|---|---|---|---|---|---|
{rows}
"""


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
        counts, cycles = [0], [0]
        for length in (turns, 3 * turns) if definition else (None,):
            elf = assemble(file, definition, length, self.folder) if definition else ROOT / "build" / "kernels" / file
            count, text = counted([program, "elf", elf, "--json", "--engine", self.engine, *COUNTED], tree)
            counts.append(count)
            cycles.append(json.loads(text.strip().splitlines()[-1])["cycles"])
        return (counts[-1] - counts[-2]) / (cycles[-1] - cycles[-2])


def measured(case: Case, trees: dict[str, Path], repeats: int, instructions: bool) -> dict:
    """What is known of a case: of each side its figures, of both the ratios."""
    runs = {side: [] for side in trees}
    for _ in range(repeats):
        for side, tree in trees.items():
            runs[side].append(case.run(tree))
    found = {"case": case.name, "engine": case.engine}
    for side, each in runs.items():
        cpu = [run["cpu"] for run in each]
        found[side] = {
            "cpu_s": min(cpu),
            "cpu_median_s": statistics.median(cpu),
            "wall_s": min(run["wall"] for run in each),
            "mcycles_per_s": max(run["speed"] for run in each),
        }
        if instructions:
            found[side]["host_instructions_per_cycle"] = case.instructions(trees[side])
    if "before" in runs:
        pairs = list(zip(runs["before"], runs["now"], strict=True))
        found["ratio"] = {
            "cpu": statistics.median(now["cpu"] / before["cpu"] for before, now in pairs),
            "mcycles_per_s": statistics.median(
                now["speed"] / before["speed"] for before, now in pairs if before["speed"]
            ),
        }
        if instructions:
            counts = [found[side]["host_instructions_per_cycle"] for side in ("before", "now")]
            found["ratio"]["host_instructions"] = counts[1] / counts[0]
    return found


def show(case: Case, found: dict) -> None:
    for side in ("before", "now"):
        if side in found:
            at = found[side]
            text = (
                f"{case.title:24} {side:7} CPU {at['cpu_s']:7.3f} s (median {at['cpu_median_s']:7.3f}), wall "
                f"{at['wall_s']:7.3f} s, {at['mcycles_per_s']:8.2f} Mcycle/s"
            )
            if "host_instructions_per_cycle" in at:
                text += f", {at['host_instructions_per_cycle']:,.0f} host instructions per simulated cycle"
            print(text, flush=True)
    if "ratio" in found:
        ratios = ", ".join(f"{name} {value:.3f}" for name, value in found["ratio"].items())
        print(f"{case.title:24} now/before: {ratios}", flush=True)


def described(revision: str) -> str:
    return subprocess.run(
        ["git", "log", "-1", "--format=%h, %s", revision], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()


def write_results(folder: Path, all_found: list[dict], against: str, command: str) -> None:
    """README.md with a table, and all figures in speed.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "speed.json").write_text(json.dumps(all_found, indent=1) + "\n")
    titles = {name: program[0] for name, program in PROGRAMS.items()} | {
        "deep_ae": "Deep-AE, configs/deep_ae.json",
        "cct2_lora": "CCT-2 LoRA, configs/cct2_lora.json",
    }
    rows = []
    for found in all_found:
        before, now, ratio = found["before"], found["now"], found["ratio"]
        counts = [side.get("host_instructions_per_cycle") for side in (before, now)]
        cells = [titles[found["case"]], f"{before['cpu_s']:.2f}", f"{now['cpu_s']:.2f}", f"{ratio['cpu']:.2f}"]
        cells += [f"{before['mcycles_per_s']:.2f}", f"{now['mcycles_per_s']:.2f}", f"{ratio['mcycles_per_s']:.2f}"]
        cells += [f"{count:,.0f}" if count is not None else "-" for count in counts]
        cells.append(f"{ratio['host_instructions']:.3f}" if "host_instructions" in ratio else "-")
        rows.append("| " + " | ".join(cells) + " |")
    text = TABLE.format(command=command, before=described(against), rows="\n".join(rows))
    (folder / "README.md").write_text(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", metavar="REVISION", help="a commit to compare with")
    parser.add_argument("--base-build", type=Path, help="a build folder of the other commit, instead of --against")
    parser.add_argument("--only", nargs="*", choices=[*PROGRAMS, *RUNS], default=[*PROGRAMS, *RUNS])
    parser.add_argument("--engines", nargs="*", choices=["fast", "lockstep"], default=["fast"])
    parser.add_argument("--repeats", type=int, default=5)
    counted_help = "count host instructions too (slow): of all, or of these"
    parser.add_argument("--instructions", nargs="*", choices=[*PROGRAMS, *RUNS], metavar="NAME", help=counted_help)
    parser.add_argument("--results", type=Path, metavar="FOLDER", help="write README.md and speed.json there")
    arguments = parser.parse_args()
    if arguments.repeats < 1:
        parser.error("--repeats must be at least 1")
    if arguments.results and not arguments.against:
        parser.error("--results needs --against")
    base = arguments.base_build.resolve() if arguments.base_build else None
    if arguments.against:
        base = build(arguments.against)
    trees = {"before": base.parent, "now": ROOT} if base else {"now": ROOT}
    to_count = arguments.only if arguments.instructions == [] else arguments.instructions or []
    all_found = []
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.only:
            for engine in arguments.engines:
                case = Case(name, engine, Path(folder))
                all_found.append(measured(case, trees, arguments.repeats, name in to_count))
                show(case, all_found[-1])
                if arguments.results:
                    command = "scripts/bench.sh sim " + " ".join(sys.argv[1:])
                    write_results(arguments.results, all_found, arguments.against, command)


if __name__ == "__main__":
    main()
