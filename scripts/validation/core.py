# SPDX-License-Identifier: Apache-2.0
"""Core micro-kernels: cycles between two marker stores, RTL against `etude-sim elf` on the core bench."""

import json
import subprocess

from validation import svg
from validation.tools import (
    BUILD,
    Assumption,
    Block,
    NotAvailable,
    Point,
    in_parallel,
    not_modelled,
    read_csv,
    reference,
    sim,
)

EXTENSIONS = "_zicsr_zifencei_xcvmem_xcvmac_xcvsimd_xcvalu_xcvbitmanip_xcvbi_xcvelw"


# Tables, the folder of the programs of each, and the row of its points (None: the table says it).
TABLES = {
    "core_rtl_cycles": ("core_micro", None),
    "core_random": ("core_random", "random programs"),
    "core_hand": ("core_hand", "by hand"),
}


def assemble(item: tuple[str, str, bool]) -> None:
    """One program as an ELF at address 0, as core_timing.md says."""
    folder, name, zfinx = item
    march = ("rv32imc_zfinx" if zfinx else "rv32imfc") + EXTENSIONS
    target = elf(folder, name, zfinx)
    source = reference(f"{folder}/{name}.S")
    defines = ["-DZFINX=1"] if zfinx else []
    done = subprocess.run(
        ["clang-19", "--target=riscv32", "-mabi=ilp32", *defines, f"-march={march}", "-nostdlib", "-static"]
        + ["-fuse-ld=lld-19", "-Wl,-Ttext=0", "-Wl,--no-relax", "-o", target, source],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise NotAvailable(f"clang-19 cannot assemble {name}.S")


def elf(folder: str, name: str, zfinx: bool):
    return BUILD / "validation" / folder / f"{name}.{'zfinx' if zfinx else 'f'}.elf"


def run(item: tuple[str, dict[str, str]]) -> Point:
    table, row = item
    folder, group = TABLES[table]
    cluster = {
        "isa": ("rv32imc_zfinx" if row["zfinx"] == "1" else "rv32imfc") + EXTENSIONS + "_xcvhwlp",
        "fpu/addmul_latency": row["fpu_addmul_lat"],
        "fpu/others_latency": row["fpu_others_lat"],
        "corev_cluster": "true" if row.get("corev_cluster") == "1" else "false",
    }
    sets = [word for name, value in cluster.items() for word in ("--set", f"/platform/cluster/{name}={value}")]
    key = {name: row.get(name, "0") for name in ("id", "zfinx", "fpu_addmul_lat", "fpu_others_lat", "corev_cluster")}
    rtl = int(row["cycles"])
    try:
        program = elf(folder, row["id"], row["zfinx"] == "1")
        out = sim("elf", program, "--platform", "platform/core_bench.json", *sets, "--json")
        report = json.loads(out)
        model = report["marker_cycles"][0]
        if "instructions" in row and report["marker_instructions"][0] != int(row["instructions"]):
            key["note"] = "instructions differ"
    except NotAvailable as error:
        key["note"] = str(error)
        model = 0
    return Point(key, group or row["group"], rtl, model)


def block() -> Block:
    rows = []
    for table, (folder, _) in TABLES.items():
        try:
            rows += [(table, row) for row in read_csv(reference(f"{table}.csv"))]
        except NotAvailable:
            if not rows:
                raise
            continue
        (BUILD / "validation" / folder).mkdir(parents=True, exist_ok=True)
    in_parallel(assemble, sorted({(TABLES[table][0], row["id"], row["zfinx"] == "1") for table, row in rows}))
    points = in_parallel(run, rows)
    latencies = sorted({(row["fpu_addmul_lat"], row["fpu_others_lat"]) for _, row in rows})
    by_latency = {
        f"FPU {a}/{o}": [
            (point.rtl, 100 * point.error)
            for point in points
            if (point.key["fpu_addmul_lat"], point.key["fpu_others_lat"]) == (a, o)
        ]
        for a, o in latencies
    }
    return Block(
        "core",
        "Core: pipeline",
        "CV32E40P, openhwgroup/cv32e40p 6033d2b with its CVFPU, verilated",
        "reference/core_timing.md; core_rtl_cycles.csv, core_random.csv, core_hand.csv and their folders of programs",
        "cycles between the grants of two marker stores, ideal memories; relative error",
        "equal on every row",
        "scripts/validate.sh --only core",
        points,
        lambda block: all(point.error == 0 for point in block.points),
        not_modelled("core", "iss"),
        [
            Assumption(
                "fpu_latency",
                "FPU_ADDMUL_LAT and FPU_OTHERS_LAT are 1 where a platform does not say otherwise; latencies above 2 "
                "and binary16 packed operations were not measured",
                "cycles of the cores' FP work; run with --set /platform/cluster/fpu/addmul_latency=0 or 2 to see it",
                "layers with unit cores",
            )
        ],
        charts=[
            ("core.svg", svg.scatter("Core micro-kernels: error against RTL", "RTL cycles", "error, %", by_latency))
        ],
    )
