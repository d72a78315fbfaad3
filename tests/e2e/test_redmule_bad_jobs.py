# SPDX-License-Identifier: Apache-2.0
"""Jobs that no programmer wants, from a program that writes RedMulE's registers: it goes on as on the hardware, the
user reads one warning with the registers, and nothing hangs."""

import pytest
from support import assemble, run

BASE = 0x10001000
GOOD = {"x": BASE, "w": BASE + 0x2000, "z": BASE + 0x4000, "m": 24, "n": 32, "k": 32, "arith": 1 << 10 | 1 << 7}

# Hart 0 starts the job, waits for its event, or (WAIT=0) for 5000 passes of a loop and clears it; exit status: the
# context id that ACQUIRE gives afterwards, so 1 for a job that went its way.
PROGRAM = """
.globl _start
_start:
  csrr t0, mhartid
  andi t0, t0, 31
  bnez t0, sleep
  li s0, 0x10204000
  li t1, 0x1000
  sw t1, 0(s0)
  li s1, 0x10201000
  sw x0, 0x14(s1)
  lw t1, 4(s1)
  li t1, X
  sw t1, 0x40(s1)
  li t1, W
  sw t1, 0x44(s1)
  li t1, Z
  sw t1, 0x48(s1)
  li t1, MK
  sw t1, 0x4c(s1)
  li t1, N
  sw t1, 0x50(s1)
  li t1, ARITH
  sw t1, 0x54(s1)
  sw x0, 0(s1)
.if WAIT
  addi t2, s0, 0x3c
  cv.elw t1, 0(t2)
.else
  li t3, 5000
1: addi t3, t3, -1
  bnez t3, 1b
  sw x0, 0x14(s1)
  li t3, 20
2: addi t3, t3, -1
  bnez t3, 2b
.endif
  lw s3, 0x0c(s1)   /* STATUS: nothing runs */
  bnez s3, sleep
  lw s3, 4(s1)
  bltz s3, sleep
  li a1, 0x1A1040A0
  li a2, 0x80000000
  sw a2, 0(a1)
sleep:
  wfi
  j sleep
"""

WRAPS = "not inside the memory: accesses wrap around"
NEVER = "never finishes it, as the hardware, until it is cleared"
CASES = {
    "nothing odd": ({}, None),
    "no X": ({"x": 0}, f"the pointer to X is zero; X is {WRAPS} (X=0x00000000 "),
    "no Z": ({"z": 0}, f"the pointer to Z is zero; Z is {WRAPS} ("),
    "unaligned W": ({"w": BASE + 0x2001}, "the pointer to W is no multiple of 2 ("),
    "unaligned all": ({"x": BASE + 3, "w": BASE + 0x2005, "z": BASE + 0x4001}, "X, W and Z is no multiple of 2 ("),
    "behind L1": ({"z": 0x10100000}, f"Z is {WRAPS} (X=0x10001000 W=0x10003000 Z=0x10100000 M=24 N=32 K=32"),
    "in L2": ({"x": 0x1C010000}, f"X is {WRAPS} ("),
    "end of the address space": ({"z": 0xFFFFFF00}, f"Z is {WRAPS} ("),
    "N beyond the memory": ({"n": 0xFFFF}, f"X and W are {WRAPS} ("),
    "M beyond the memory": ({"m": 0xFFFF}, f"X and Z are {WRAPS}; erratum 6: "),
    "17 bits of N": ({"n": 0x10020}, "N does not fit into its 16 bits: the upper bits are dropped ("),
    "fp32 on an fp16 array": ({"arith": 1 << 10 | 4 << 7}, "format 4 is not one of this fp16 array"),
    "16 operations": ({"arith": 15 << 10 | 1 << 7}, "operation 15 does not fit into its 3 bits"),
    "M 0": ({"m": 0}, NEVER),
    "N 0": ({"n": 0}, NEVER),
    "N 65536": ({"n": 0x10000}, f"upper bits are dropped; a job without elements: RedMulE {NEVER} ("),
    "K 0": ({"k": 0}, NEVER),
}


@pytest.mark.parametrize("name", CASES)
def test_one_warning_and_no_hang(tmp_path, name):
    changes, warning = CASES[name]
    job = GOOD | changes
    symbols = {"X": job["x"], "W": job["w"], "Z": job["z"], "N": job["n"], "ARITH": job["arith"]}
    symbols["MK"] = job["k"] << 16 | job["m"]
    hangs = warning is not None and NEVER in warning
    for wait in (1, 0):
        head = "".join(f".set {key}, {value}\n" for key, value in (symbols | {"WAIT": wait}).items())
        elf = assemble(tmp_path, head + PROGRAM)
        for engine in ("fast", "lockstep"):
            options = ["--engine", engine, "--max-cycles", "2000000"]
            # Who waits for the event of a job that never ends sleeps for ever: that is reported, not simulated.
            done = run("elf", elf, *options, check=3 if hangs and wait else 0)
            lines = [line for line in done.stderr.splitlines() if "warning: redmule" in line]
            assert len(lines) == (warning is not None), done.stderr
            assert warning is None or (warning in lines[0] and "op=" in lines[0])
            assert ("asleep for good" in done.stderr) == (hangs and wait == 1)


def test_gemm_refuses_sizes_that_the_registers_do_not_hold():
    for size in ("0", "65536", "-1"):
        for name in ("--m", "--n", "--k"):
            sizes = {"--m": "16", "--n": "16", "--k": "16"} | {name: size}
            done = run("gemm", *(word for pair in sizes.items() for word in pair), check=2)
            assert done.stderr.count("\n") == 1
            assert f"{name}: is {size}; allowed are 1 to 65535" in done.stderr
