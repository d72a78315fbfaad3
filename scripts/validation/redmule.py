# SPDX-License-Identifier: Apache-2.0
"""RedMulE: cycles and port beats of single jobs behind an ideal memory, with and without stalls."""

import csv
import functools
import json
import tempfile

from validation import svg
from validation.tools import Assumption, Block, Point, in_parallel, mean_error, not_modelled, read_csv, reference, sim

SOURCE = "reference/redmule.md, redmule_rtl_cycles.csv"
HANG = {2, 3, 4, 5}  # errata in which the RTL hangs or gives wrong data; the others do not touch cycles
BEATS = {"x": "xrd", "w": "wrd", "y": "yrd", "z": "zwr"}


def group_of(row: dict[str, str], errata: set[int]) -> tuple[str, bool]:
    """Table row of a point, and whether it counts in the totals."""
    if int(row["cycles"]) < 0:
        return "the RTL hung", False
    if float(row["stall_prob"]) > 0:
        if row["rtl"] == "main":
            return "stalled, unpatched RTL", False
        return f"stalled, p = {row['stall_prob']}", True
    array = f"{row['h']}x{row['l']}x{row['p']}"
    if errata & HANG or row["data_ok"] == "0":
        return f"{array}, inside an erratum", False
    if array != "4x12x3":
        return array, True
    if row["fmt"] != "fp16":
        return "4x12x3, other formats", True
    n = int(row["N"])
    return f"4x12x3 FP16, N {'1..4' if n <= 4 else '5..8' if n <= 8 else '9..16' if n <= 16 else '17 on'}", True


def simulate(array: tuple[str, str, str], rows: list[dict[str, str]]) -> list[dict]:
    """One call for all jobs of an array."""
    with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["M", "N", "K", "gap", "stall", "seed", "op", "format"])
        for row in rows:
            names = ("M", "N", "K", "gap", "stall_prob", "seed", "op", "fmt")
            writer.writerow([row[name] or "1" for name in names])
        file.flush()
        sets = []
        for name, value in zip(("height", "width", "pipe"), array, strict=True):
            sets += ["--set", f"/platform/cluster/redmule/{name}={value}"]
        lines = sim("gemm", "--shapes", file.name, "--json", *sets).splitlines()
    return [json.loads(line) for line in lines]


@functools.cache
def jobs() -> list[tuple[Point, dict[str, str], dict]]:
    """Every row of the file with its point and the answer of the program."""
    rows = read_csv(reference("redmule_rtl_cycles.csv"))
    arrays: dict[tuple[str, str, str], list[dict[str, str]]] = {}
    for row in rows:
        arrays.setdefault((row["h"], row["l"], row["p"]), []).append(row)
    results = in_parallel(lambda item: simulate(*item), arrays.items())
    out = []
    for (array, members), answers in zip(arrays.items(), results, strict=True):
        for row, answer in zip(members, answers, strict=True):
            group, counted = group_of(row, set(answer["errata"]))
            key = {"array": "x".join(array)}
            key |= {name: row[name] for name in ("fmt", "op", "M", "N", "K", "gap", "stall_prob", "seed", "rtl")}
            out.append((Point(key, group, float(row["cycles"]), float(answer["cycles"]), counted=counted), row, answer))
    return sorted(out, key=lambda job: (not job[0].counted, job[0].group))


def block() -> Block:
    own = [job for job in jobs() if float(job[1]["stall_prob"]) == 0]
    hung = [answer for _, row, answer in own if int(row["cycles"]) < 0]
    own = [job for job in own if int(job[1]["cycles"]) >= 0]
    with_beats = [(row, answer) for point, row, answer in own if row["xrd"] and point.counted]
    same_beats = sum(
        all(int(row[column]) == answer["beats"][stream] for stream, column in BEATS.items())
        for row, answer in with_beats
    )
    inexact = sum(not answer["bit_exact"] for _, _, answer in jobs())
    by_array: dict[str, list[tuple[float, float]]] = {}
    for point, _, _ in own:
        if point.counted:
            by_array.setdefault(point.key["array"], []).append((float(point.key["N"]), 100 * point.error))

    def met(block: Block) -> bool:
        large = [p for p in block.points if p.group in ("4x12x3 FP16, N 9..16", "4x12x3 FP16, N 17 on")]
        return (
            mean_error(large) <= 0.002
            and max(abs(p.error) for p in large) <= 0.015
            and block.group("4x12x3 FP16, N 5..8")["mean_error"] <= 0.03
            and all(block.group(array)["mean_error"] <= 0.005 for array in ("4x8x3", "8x12x3", "8x8x1"))
            and same_beats == len(with_beats)
            and inexact == 0
        )

    return Block(
        "redmule",
        "RedMulE: single jobs",
        "RedMulE main 51cd064 with hci f7fbfcd, verilated",
        SOURCE,
        "cycles from TRIGGER to the done event, ideal one-cycle memory; relative error. Jobs inside an erratum (wrong "
        "data of the RTL) have their own rows and are not in the totals",
        "default array, FP16, outside the errata: mean 0.2 % and max 1.5 % for N >= 9, mean 3 % for N 5..8; "
        "other arrays mean 0.5 %; beats equal; values bit-equal",
        "scripts/validate.sh --only redmule",
        [point for point, _, _ in own],
        met,
        not_modelled("redmule"),
        [
            Assumption(
                "fp32_array",
                "an FP32 array has the FP16 array's dataflow with 4-byte elements and a port twice as wide; no RTL "
                "of it exists to compare with",
                "all RedMulE cycles of a platform with format fp32",
                "layers with unit redmule",
            ),
            Assumption(
                "errata",
                "inside the errata the model gives right data and the cycles of its mechanism, where the RTL hangs or "
                "gives wrong data",
                "none on a plan of the compiler, which avoids those shapes",
            ),
        ],
        [
            f"Port beats per stream: {same_beats} of {len(with_beats)} jobs equal.",
            f"Values: {len(jobs()) - inexact} of {len(jobs())} jobs, stalled ones too, bit-equal to the chain replayed "
            "on the host.",
            f"The RTL hung in {len(hung)} more jobs; the model names an erratum for "
            f"{sum(bool(HANG & set(answer['errata'])) for answer in hung)} of them.",
        ],
        [("redmule_shape.svg", svg.scatter("RedMulE: error by reduction length N", "N", "error, %", by_array))],
    )


def stalled() -> Block:
    own = [job for job in jobs() if float(job[1]["stall_prob"]) > 0]
    hung = sum(int(row["cycles"]) < 0 for _, row, _ in own)
    points = [point for point, row, _ in own if int(row["cycles"]) >= 0]
    by_size: dict[str, list[tuple[float, float]]] = {}
    for point in points:
        if point.counted:
            size = "under 1000 cycles" if point.rtl < 1000 else "1000 cycles and more"
            by_size.setdefault(size, []).append((float(point.key["stall_prob"]), 100 * point.error))
    return Block(
        "redmule_stalled",
        "RedMulE: jobs with a refused port",
        "RedMulE main 51cd064 with hci f7fbfcd and errata 7 patched (main+muxfix), verilated",
        SOURCE,
        "cycles of a job whose port is refused with a probability per cycle; relative error. Another random sequence "
        "than the RTL's, so that two right answers differ too",
        "mean 3 %",
        "scripts/validate.sh --only redmule_stalled",
        points,
        lambda block: block.mean_error <= 0.03,
        not_modelled("redmule"),
        [],
        [
            f"{hung} more runs hung in the RTL (errata 7) and have no cycles.",
            "With the RTL's own grants (hci_traces/redmule_*.trc) each access is in the same cycle: fidelity tests, "
            "tag [redmule].",
        ],
        [
            (
                "redmule_stalled.svg",
                svg.scatter(
                    "RedMulE: error under random stalls of the port",
                    "probability of a refused cycle",
                    "error, %",
                    by_size,
                    log_x=False,
                ),
            )
        ],
    )
