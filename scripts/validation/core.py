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


def assemble(item: tuple[str, bool]) -> None:
    """One kernel as an ELF at address 0, as core_timing.md says."""
    name, zfinx = item
    march = ("rv32imc_zfinx" if zfinx else "rv32imfc") + EXTENSIONS
    target = elf(name, zfinx)
    source = reference(f"core_micro/{name}.S")
    defines = ["-DZFINX=1"] if zfinx else []
    done = subprocess.run(
        ["clang-19", "--target=riscv32", "-mabi=ilp32", *defines, f"-march={march}", "-nostdlib", "-static"]
        + ["-fuse-ld=lld-19", "-Wl,-Ttext=0", "-Wl,--no-relax", "-o", target, source],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise NotAvailable(f"clang-19 cannot assemble {name}.S")


def elf(name: str, zfinx: bool):
    return BUILD / "validation" / "core_micro" / f"{name}.{'zfinx' if zfinx else 'f'}.elf"


def run(row: dict[str, str]) -> Point:
    cluster = {
        "isa": ("rv32imc_zfinx" if row["zfinx"] == "1" else "rv32imfc") + EXTENSIONS + "_xcvhwlp",
        "fpu/addmul_latency": row["fpu_addmul_lat"],
        "fpu/others_latency": row["fpu_others_lat"],
        "corev_cluster": "true" if row["corev_cluster"] == "1" else "false",
    }
    sets = [word for name, value in cluster.items() for word in ("--set", f"/platform/cluster/{name}={value}")]
    key = {name: row[name] for name in ("id", "zfinx", "fpu_addmul_lat", "fpu_others_lat", "corev_cluster")}
    rtl = int(row["cycles"])
    try:
        out = sim("elf", elf(row["id"], row["zfinx"] == "1"), "--platform", "platform/core_bench.json", *sets, "--json")
        report = json.loads(out)
        model = report["marker_cycles"][0]
        if report["marker_instructions"][0] != int(row["instructions"]):
            key["note"] = "instructions differ"
    except NotAvailable as error:
        key["note"] = str(error)
        model = 0
    return Point(key, row["group"], rtl, model)


def block() -> Block:
    rows = read_csv(reference("core_rtl_cycles.csv"))
    (BUILD / "validation" / "core_micro").mkdir(parents=True, exist_ok=True)
    in_parallel(assemble, sorted({(row["id"], row["zfinx"] == "1") for row in rows}))
    points = in_parallel(run, rows)
    latencies = sorted({(row["fpu_addmul_lat"], row["fpu_others_lat"]) for row in rows})
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
        "reference/core_timing.md, core_rtl_cycles.csv, core_micro/",
        "cycles between the grants of two marker stores, ideal memories; relative error",
        "equal on at least 97 % of the rows, every other one explained",
        "scripts/validate.sh --only core",
        points,
        lambda block: sum(point.error == 0 for point in block.points) >= 0.97 * len(block.points),
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
