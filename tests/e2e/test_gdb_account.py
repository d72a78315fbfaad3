# SPDX-License-Identifier: Apache-2.0
"""A debugger that holds a program and only looks changes no figure of its account."""

import random
from pathlib import Path

import pytest
from gdb_sessions import Client, end_of, held, same_account
from support import BUILD, run
from test_check import build_cases, cases
from test_profile import CLUSTER, compile_c, random_program

CLEAN = [row for row in cases() if row["verdict"].endswith("clean")]
# The cycle at which each is cut off. operator_sizes misses the instruction cache the most.
KERNELS = {"operator_sizes": 1800000, "kernel_costs": 60000, "gemm_fp16_sizes": 45678, "operator_hashes": 34567}
KERNELS |= {"gemm_bench": 59042, "gemm_sizes": 48614, "gemm_fp16_bench": 20477, "gemm_fp16_plain": 30000}


def executed(elf: Path, folder: Path, *arguments) -> list[int]:
    """Addresses of instructions that `elf` retires in its first cycles, most often executed ones more often."""
    log = folder / "log.tsv"
    run("elf", elf, "--quiet", "--insn", log, "--insn-to", 20000, *CLUSTER, *arguments)
    return [int(line.split("\t")[2], 16) for line in log.read_text().splitlines()[1:]]


def busy_session(client: Client, places: list[int], seed: int, stops: int) -> int:
    """Breakpoints, steps and reads by chance, then the program goes on by itself. Returns the stops."""
    draw = random.Random(seed)
    client.ask("QStartNoAckMode")
    client.no_ack = True
    harts = client.ask("qfThreadInfo")[1:].split(",")
    breaks: set[int] = set()
    for n in range(stops):
        for _ in range(draw.randrange(3)):
            breaks ^= {place := draw.choice(places)}
            assert client.ask(f"{'Z' if place in breaks else 'z'}{draw.randrange(2)},{place:x},2") == "OK"
        go = f"vCont;s:{draw.choice(harts)};c" if draw.random() < 0.7 or not breaks else "vCont;c"
        stop = client.ask(go)
        if stop[0] in "WX":
            return n
        assert stop.startswith("T05"), stop
        client.ask(f"Hg{draw.choice(harts)}")
        for packet in ("g", f"m{draw.choice(places) & ~255:x},100", "m10000000,100", "p" + hex(65 + 0xB00)[2:]):
            assert not client.ask(packet).startswith("E")
    for place in places:
        for kind in "01":
            client.ask(f"z{kind},{place:x},2")
    client.send("D")
    return stops


@pytest.mark.parametrize("name", KERNELS)
def test_a_debugger_that_lets_go_leaves_the_account_of_kernels_as_it_is(name):
    elf = BUILD / f"kernels/{name}.elf"
    cut = ["--max-cycles", KERNELS[name]]
    with held(elf, *cut) as (process, port):
        Client(port).send("D")
        report = end_of(process)
    assert report["status"] == 3 and report["cycles"] == KERNELS[name]
    same_account(elf, report, *cut)


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> Path:
    return build_cases(tmp_path_factory.mktemp("clean"), CLEAN)


@pytest.mark.parametrize("row", CLEAN, ids=lambda row: row["file"])
def test_accounts_of_handed_programs_are_the_same_under_breakpoints_and_steps(clean, tmp_path, row):
    elf = clean / (row["file"].removesuffix(".c") + ".elf")
    options = ["--set", f"/platform/cluster/cores={row['cores']}"]
    places = executed(elf, tmp_path, *options)
    with held(elf, *options) as (process, port):
        assert busy_session(Client(port), places, len(places), 60) > 10
        report = end_of(process)
    same_account(elf, report, *options)


@pytest.mark.parametrize("seed", range(3))
def test_accounts_of_random_programs_are_the_same_under_breakpoints_and_steps(tmp_path, seed):
    elf = compile_c(tmp_path, random_program(seed + 90), "-g", ["-O2", "-Os", "-O0"][seed])
    places = executed(elf, tmp_path)
    with held(elf) as (process, port):
        assert busy_session(Client(port), places, seed, 120) > 60
        report = end_of(process)
    same_account(elf, report)


@pytest.mark.parametrize("limit", [1, 2345, 4321])
def test_an_account_that_is_cut_off_under_a_debugger_is_the_same(tmp_path, limit):
    elf = BUILD / "kernels/gemm_bench.elf"
    cut = ["--max-cycles", limit]
    with held(elf, *cut) as (process, port):
        client = Client(port)
        client.ask("QStartNoAckMode")
        client.no_ack = True
        client.send("vCont;c")
        assert b"no end within" in bytes.fromhex(client.receive()[1:]) and client.receive().startswith("T06")
        client.ask("g")
        client.send("D")
        report = end_of(process)
    same_account(elf, report, *cut)
