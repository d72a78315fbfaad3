# SPDX-License-Identifier: Apache-2.0
"""What an array, its banks and L1 are worth: a LoRA step of CCT-2 by cycles, energy and area of the cluster."""

import json
from dataclasses import dataclass

from etude.compare import clock_note
from etude.result import engineering
from etude.studies.runs import OBJECTIVES, ROOT, command, kept, options_of, results_of, run_study

RESULTS = ROOT / "results/array_sizing"
DOC = ROOT / "docs/energy.md"
CONFIG = ROOT / "configs/cct2_lora.json"
CLOCK = 300e6  # of the first table
CLOCKS = (200e6, 250e6, 300e6, 400e6, 470e6)
KIB = (128, 256)
MARKS = ("<!-- written by scripts/array_sizing.sh -->", "<!-- end -->")  # of the tables in docs/energy.md


@dataclass(frozen=True)
class Machine:
    """An FP32 array of `height` x `width` elements with `pipe` registers, and the memory that feeds it."""

    height: int
    width: int
    pipe: int
    banks: int
    kib: int = 256
    clock_hz: float = CLOCK

    def array(self) -> str:
        """As tables name it."""
        return f"{self.height}x{self.width} P{self.pipe}"

    def banked(self) -> str:
        """The array with its banks, a value of the sweep's axis."""
        return f"{self.height}x{self.width}p{self.pipe}-b{self.banks}"

    def name(self) -> str:
        """Of its point."""
        return f"{self.banked()}-l1_{self.kib}k-{self.clock_hz / 1e6:.0f}mhz"

    def keys(self) -> dict[str, int]:
        """What the array and its banks are in a configuration."""
        keys = {f"/platform/cluster/redmule/{key}": getattr(self, key) for key in ("height", "width", "pipe")}
        return {**keys, "/platform/cluster/tcdm/banks": self.banks}


# The port of 8x8 P3 is 128 bytes wide, so it needs 32 banks; the others have the fewest they can, and 32 too.
ARRAYS = (
    Machine(4, 12, 3, 16),
    Machine(4, 12, 3, 32),
    Machine(4, 12, 3, 64),
    Machine(8, 8, 1, 16),
    Machine(8, 8, 1, 32),
    Machine(8, 8, 3, 32),
    Machine(4, 16, 3, 16),
    Machine(4, 16, 3, 32),
)


def sizes() -> list[Machine]:
    """The machines of the first table."""
    return [Machine(a.height, a.width, a.pipe, a.banks, kib) for kib in KIB for a in ARRAYS]


def clocked() -> list[Machine]:
    """Those of the second: each array with the fewest banks that it can have."""
    fewest = {a.array(): a for a in reversed(ARRAYS)}
    machines = [fewest[name] for name in dict.fromkeys(a.array() for a in ARRAYS)]
    return [Machine(a.height, a.width, a.pipe, a.banks, a.kib, clock) for a in machines for clock in CLOCKS]


def asked() -> dict:
    """The sweep over both tables."""
    fewest = [machine.banked() for machine in clocked() if machine.clock_hz == CLOCK]
    sizes_hz = f"clock_hz == {CLOCK:.0f} or l1 == {Machine.kib * 1024} and array in {json.dumps(fewest)}"
    return {
        "base": str(CONFIG),
        "names": {"l1": "/platform/cluster/tcdm/size"},
        "axes": {
            "array": {machine.banked(): machine.keys() for machine in ARRAYS},
            "/platform/cluster/tcdm/size": [kib * 1024 for kib in KIB],
            "/platform/cluster/clock_hz": [int(clock) for clock in CLOCKS],
        },
        "constraints": [sizes_hz],
        "objectives": {**OBJECTIVES, "area.cluster": "min", "step.gflops_per_mm2": "max"},
    }


def _change(value: float, base: float) -> str:
    return f"{100 * (value / base - 1):+.1f} %"


def row(machine: Machine, result: dict, base: dict) -> str:
    """A line of the first table; `base` is what it is compared with."""
    cells = [machine.array(), str(machine.banks), str(machine.kib)]
    if "error" in result:
        return f"| {' | '.join(cells)} | {result['error']} |"
    step, area = result["step"], result["area"]
    low, high = (engineering(step[key], "J") for key in ("energy_low_j", "energy_high_j"))
    cells += [f"{step['cycles']:,}", _change(step["cycles"], base["step"]["cycles"])]
    cells += [engineering(step["energy_j"], "J"), f"{low} to {high}"]
    cells += [f"{area['redmule']:.3f}", f"{area['cluster']:.3f}", _change(area["cluster"], base["area"]["cluster"])]
    cells += [f"{step['gflops_per_mm2']:.2f}", _change(step["gflops_per_mm2"], base["step"]["gflops_per_mm2"])]
    return f"| {' | '.join(cells)} |"


def worth_row(machine: Machine, result: dict, base: dict) -> str:
    """A line of the answer: what is gained, what it costs, and whether more work is done per area."""
    step, area = result["step"], result["area"]
    cells = [f"{machine.array()}, {machine.banks} banks", _change(step["cycles"], base["step"]["cycles"])]
    cells.append(_change(step["energy_j"], base["step"]["energy_j"]))
    for part in ("cluster", "total"):
        cells.append(_change(area[part], base["area"][part]))
        cells.append("yes" if area[part] * step["cycles"] < base["area"][part] * base["step"]["cycles"] else "no")
    return f"| {' | '.join(cells)} |"


def clock_row(name: str, results: list[dict]) -> str:
    """Latency of a step at each clock."""
    cells = ["" if "error" in r else engineering(r["step"]["latency_s"], "s") for r in results]
    return f"| {name} | {' | '.join(cells)} |"


def tables(results: dict[str, dict]) -> str:
    """The tables, for the page of results and for docs/energy.md."""
    first = Machine(4, 12, 3, 16)
    base = results[first.name()]
    lines = [
        f"At {CLOCK / 1e6:.0f} MHz, changes against 4x12 P3 with 16 banks and 256 KiB:",
        "",
        "| array | banks | L1 KiB | cycles | change | energy | range | array mm2 | cluster mm2 | change "
        "| GFLOP/s per mm2 | change |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [row(machine, results[machine.name()], base) for machine in sizes()]
    lines += [
        "",
        "Worth its area, at 256 KiB? Yes where cycles fall by more than the area grows:",
        "",
        "| against 4x12 P3, 16 banks | cycles | energy | cluster mm2 | worth it | cluster and L2 | worth it |"
        "\n|---|--:|--:|--:|---|--:|---|",
    ]
    others = [machine for machine in sizes() if machine.kib == first.kib and machine != first]
    lines += [worth_row(m, results[m.name()], base) for m in others if "error" not in results[m.name()]]
    heads = [f"{clock / 1e6:.0f} MHz" for clock in CLOCKS]
    lines += [
        "",
        f"{clock_note(base)} Latency of a step, 256 KiB, each array with the fewest banks it can have:",
        "",
        f"| array | {' | '.join(heads)} |\n|---|{'--:|' * len(heads)}",
    ]
    for array in dict.fromkeys(machine.array() for machine in clocked()):
        machines = [machine for machine in clocked() if machine.array() == array]
        lines.append(clock_row(array, [results[machine.name()] for machine in machines]))
    return "\n".join([*lines, ""])


def page(results: dict[str, dict]) -> str:
    """The page of results."""
    return (
        "# Arrays, banks and L1 for a LoRA step of CCT-2\n"
        "Made by `scripts/array_sizing.sh`: configs/cct2_lora.json (FP32, batch 1, rank 4, parameters at home in "
        "HyperRAM) with other arrays, banks and sizes of L1. Area is the cluster's, without L2 where nothing else is "
        f"said; energy has its range behind it.\n\n{tables(results)}"
    )


def put_into(text: str, new: str) -> str:
    """`text` with the tables between its marks replaced."""
    before, rest = text.split(MARKS[0])
    return f"{before}{MARKS[0]}\n{new}{MARKS[1]}{rest.split(MARKS[1])[1]}"


def main() -> None:
    """Command line; see scripts/array_sizing.sh."""
    options = options_of("array_sizing", __doc__, "array_sizing").parse_args()
    study = run_study(asked(), options.runs, options.jobs, options.resume)
    names = {(m.banked(), m.kib * 1024, m.clock_hz): m.name() for m in [*sizes(), *clocked()]}
    found = {names[tuple(values.values())]: result for values, result in results_of(study)}
    results = {name: found[name] for name in names.values()}
    print(f"{study.summary()}; see {study.report()}", flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    points = {name: kept(result) for name, result in results.items()}
    (options.out / "points.json").write_text(json.dumps(points, indent=1) + "\n")
    (options.out / "array_sizing.md").write_text(page(results))
    if options.out == RESULTS:
        DOC.write_text(put_into(DOC.read_text(), tables(results)))
    print(f"see {options.out}/array_sizing.md")


if __name__ == "__main__":
    command(main)
