# SPDX-License-Identifier: Apache-2.0
"""Where a program's cycles went: reports, profiles, timelines and logs add up to the cycle, and cost none."""

import random
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from support import ROOT, assemble, run, run_elf
from test_tohost_programs import FRAME
from test_trace import fields

FLAGS = ["--target=riscv32", "-march=rv32imc_zfinx_zicsr_zifencei", "-mabi=ilp32", "-O2", "-ffreestanding"]
FLAGS += ["-fno-builtin", "-nostdlib", "-static", "-fuse-ld=lld-19", "-Wl,-Ttext=0x1C008080", "-Wl,--no-relax"]
FLAGS += ["-Wl,-Tbss=0x10001000", f"-I{ROOT}"]
CLUSTER = ["--set", "/platform/cluster/corev_cluster=true"]

# Every hart has 1 KiB of stack and calls program(hart); the last to come ends the run.
START = """
__asm__(".globl _start\\n.type _start,@function\\n_start: csrr a0, mhartid\\n andi a0, a0, 31\\n addi t0, a0, 1\\n"
        " slli t0, t0, 10\\n li sp, 0x10004000\\n add sp, sp, t0\\n call program\\n .size _start,.-_start");
static void finish(int hart, int status) {
  volatile unsigned* const eu = (volatile unsigned*)0x10204000;
  eu[0x200 / 4] = 0xff;
  eu[0x20c / 4] = 0xff;
  eu[0] = 0x10000;
  (void)*(volatile unsigned*)0x10204214;
  unsigned got;
  __asm__ volatile(".insn i 0x0b, 3, %0, %1, 0x21c" : "=r"(got) : "r"(eu) : "memory");
  if (hart == 0) *(volatile unsigned*)0x1A1040A0 = 0x80000000u | status;
  for (;;) __asm__ volatile("wfi");
}
"""

PROGRAM = (
    START
    + """
#include "kernels/include/etude_region.h"
ETUDE_REGION_NAME(1, "outer");
ETUDE_REGION_NAME(2, "inner");
volatile int data[256];
__attribute__((noinline)) int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
__attribute__((noinline)) int leaf(int n) { return data[n & 255] += n; }
__attribute__((noinline)) int tail(int n) { data[n & 7] = n; return leaf(n + 1); }
int (*const table[2])(int) = {leaf, tail};
void program(int hart) {
  ETUDE_REGION_BEGIN(1);
  for (int i = 0; i < 20 + hart; i++) {
    table[i & 1](i);
    ETUDE_REGION_BEGIN(2);
    data[0] = fib(5 + (hart & 1)) / (hart + 1);
    ETUDE_REGION_END();
  }
  ETUDE_REGION_END();
  finish(hart, 0);
}
"""
)


def compile_c(tmp_path: Path, text: str, *flags: str, name: str = "program") -> Path:
    source, elf = tmp_path / f"{name}.c", tmp_path / f"{name}.elf"
    source.write_text(text)
    subprocess.run(["clang-19", *FLAGS, *flags, source, "-o", elf], check=True)
    return elf


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return compile_c(tmp_path_factory.mktemp("profile"), PROGRAM, "-g")


def account(report: dict) -> dict:
    """What does not depend on the host or on who looks."""
    own = ("stepped_cycles", "mcycles_per_s", "functions", "regions", "warnings")
    return {name: value for name, value in report.items() if name not in own}


def read_callgrind(file: Path):
    """Events, then per thread the own cost by (function, file, line), and the calls (caller, callee) with counts."""
    events, threads, calls = [], {}, Counter()
    thread = function = place = callee = None
    skip = 0
    for line in file.read_text().splitlines():
        if line.startswith("thread: "):
            thread = threads.setdefault(int(line[8:]), {})
        elif line.startswith("events: "):
            events = line[8:].split()
        elif match := re.match(r"(fl|fi|fe)=(.*)", line):
            place = match[2]
        elif line.startswith("fn="):
            function = line[3:]
        elif line.startswith("cfn="):
            callee = line[4:]
        elif line.startswith("calls="):
            skip, count = 1, int(line[6:].split()[0])
            calls[function, callee] += count
        elif re.match(r"\d", line):
            if skip:
                skip = 0
                continue
            number, *costs = map(int, line.split())
            key = function, place, number
            old = thread.get(key, [0] * len(events))
            thread[key] = [a + b for a, b in zip(old, costs, strict=True)]
    return events, threads, calls


def check_sums(report: dict, folder: Path):
    """Lines, functions and chains of calls add up to the account, for each hart and stall reason."""
    events, threads, calls = read_callgrind(folder / "callgrind.out")
    harts = len(report["instructions"])
    assert sorted(threads) == list(range(1, harts + 1))
    assert events == ["cycles", "busy", *report["stalls"]]
    stacks = [line.rsplit(" ", 1) for line in (folder / "stacks.txt").read_text().splitlines()]
    for h in range(harts):
        sums = [sum(column) for column in zip(*threads[h + 1].values(), strict=True)]
        assert sums[0] == report["cycles"] == sum(sums[1:])
        assert sums[2:] == [row[h] for row in report["stalls"].values()]
        functions, leaves = Counter(), Counter()
        for (function, _, _), cost in threads[h + 1].items():
            functions[function] += cost[0]
        for chain, cycles in stacks:
            frames = [frame for frame in chain.split(";") if not frame.startswith("[")]
            if frames[0] == f"core{h}":
                leaves[frames[-1]] += int(cycles)
        assert functions == leaves
    assert sum(f["cycles"] for f in report["functions"]) == report["cycles"] * harts
    return threads, calls


@pytest.mark.parametrize("engine", ["fast", "lockstep"])
def test_every_cycle_is_charged_to_one_line(program, tmp_path, engine):
    plain = run_elf(program, *CLUSTER, "--engine", engine)
    report = run_elf(program, *CLUSTER, "--engine", engine, "--profile", tmp_path / "p")
    assert account(plain) == account(report) and "functions" not in plain
    threads, calls = check_sums(report, tmp_path / "p")
    # each hart calls through the table 20 + hart times, half of them by a jump at the end of tail()
    assert calls["program", "fib"] == sum(20 + h for h in range(8))
    assert calls["program", "leaf"] + calls["program", "tail"] == sum(20 + h for h in range(8))
    assert calls["tail", "leaf"] == calls["program", "tail"] == sum((20 + h) // 2 for h in range(8))
    source = [line for line, text in enumerate(PROGRAM.splitlines(), 1) if "int fib" in text]
    assert {line for function, _, line in threads[1] if function == "fib"} <= set(source)


def test_both_engines_give_the_same_profile(program, tmp_path):
    for engine in ("fast", "lockstep"):
        run_elf(program, *CLUSTER, "--engine", engine, "--profile", tmp_path / engine)
    for name in ("callgrind.out", "stacks.txt", "profile.json"):
        assert (tmp_path / "fast" / name).read_bytes() == (tmp_path / "lockstep" / name).read_bytes()


def test_callgrind_annotate_reads_the_profile(program, tmp_path):
    if shutil.which("callgrind_annotate") is None:
        pytest.skip("needs callgrind_annotate (valgrind)")
    report = run_elf(program, *CLUSTER, "--profile", tmp_path)
    command = ["callgrind_annotate", "--show-percs=no", "--show=cycles", tmp_path / "callgrind.out"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    total = re.search(r"([\d,]+).*PROGRAM TOTALS", text)[1]
    assert int(total.replace(",", "")) == report["cycles"] * 8
    assert "int fib(int n)" in text


def test_regions_nest_and_cost_what_is_in_them(program, tmp_path):
    report = run_elf(program, *CLUSTER, "--profile", tmp_path)
    outer, inner = report["regions"]
    passes = sum(20 + h for h in range(8))
    assert (outer["name"], outer["passes"]) == ("outer", 8)
    assert (inner["name"], inner["passes"]) == ("outer/inner", passes)
    assert inner["cycles"] < outer["cycles"] < report["cycles"] * 8
    fib = sum(
        int(line.rsplit(" ", 1)[1])
        for line in (tmp_path / "stacks.txt").read_text().splitlines()
        if "[outer];[inner];fib" in line
    )
    assert 0 < fib == next(f["cycles"] for f in report["functions"] if f["name"] == "fib") <= inner["cycles"]
    # a mark takes the one cycle of any instruction, and does nothing
    bare = compile_c(tmp_path, PROGRAM.replace("ETUDE_REGION_BEGIN(", "(void)(").replace("ETUDE_REGION_END()", "0"))
    fewer = run_elf(bare, *CLUSTER)["instructions"]
    assert [a - b for a, b in zip(report["instructions"], fewer, strict=True)] == [2 + 2 * (20 + h) for h in range(8)]


def test_marks_that_do_not_match_are_told(tmp_path):
    body = '#include "kernels/include/etude_region.h"\nvoid program(int hart) { ETUDE_REGION_END();'
    elf = compile_c(tmp_path, START + body + " ETUDE_REGION_BEGIN(7); finish(hart, 0); }")
    report = run_elf(elf, *CLUSTER, "--profile", tmp_path / "p")
    assert report["regions"][0]["name"] == "region 7"
    assert [text for text in report["warnings"] if text.startswith("hart 3 ends 1 ")]
    assert [text for text in report["warnings"] if text.startswith("hart 3 leaves 1 ")]


def random_program(seed: int) -> str:
    """Functions that call, jump to and return from one another by chance, divisions and loads between."""
    draw = random.Random(seed)
    text = [START, "volatile int data[256];"]
    for f in range(8):
        body = []
        for _ in range(draw.randrange(1, 5)):
            kind = draw.randrange(5)
            if kind == 0 and f > 0:
                body.append(f"x += f{draw.randrange(f)}(x + {draw.randrange(9)}, hart);")
            elif kind == 1:
                body.append(f"x = x / ({draw.randrange(1, 99)} + (data[x & 63] & 7));")
            elif kind == 2:
                body.append(f"for (int i = 0; i < {draw.randrange(1, 6)} + (hart & 3); i++) x += data[(x + i) & 255];")
            elif kind == 3:
                body.append(f"data[(x + {draw.randrange(99)}) & 255] = x;")
            else:
                body.append(f"if (x & {1 << draw.randrange(4)}) x ^= data[{draw.randrange(256)}];")
        last = f"return f{draw.randrange(f)}(x, hart);" if f > 0 and draw.random() < 0.5 else "return x;"
        text.append(f"__attribute__((noinline)) int f{f}(int x, int hart) {{ {' '.join(body)} {last} }}")
    text.append("void program(int hart) { for (int i = 0; i < 5; i++) data[hart] += f7(i, hart); finish(hart, 0); }")
    return "\n".join(text)


@pytest.mark.parametrize("seed", range(4))
def test_random_programs_add_up(tmp_path, seed):
    elf = compile_c(tmp_path, random_program(seed), "-g", ["-O1", "-O2", "-Os", "-O0"][seed])
    plain = run_elf(elf, *CLUSTER)
    report = run_elf(elf, *CLUSTER, "--profile", tmp_path / "p")
    assert account(plain) == account(report)
    check_sums(report, tmp_path / "p")


@pytest.mark.parametrize("limit", [None, 1, 77, 150])
def test_profiles_of_isa_test_programs_add_up(tmp_path, limit):
    """The tohost convention: one core, traps, mret, and an end in the middle of an endless loop."""
    body = "  li gp, 2\n  li t0, 40\n2: addi t0, t0, -1\n  bnez t0, 2b\n  j pass"
    text = ".globl trap\n.globl finish\n" + FRAME.format(body=body, extra="")
    elf = assemble(tmp_path, text, base=0x80000000, march="rv32imfc_zicsr_zifencei")
    cut = ["--max-cycles", limit] if limit else []
    plain = run_elf(elf, *cut, check=3 if limit else 0)
    report = run_elf(elf, *cut, "--profile", tmp_path / "p", check=3 if limit else 0)
    assert account(plain) == account(report) and len(report["instructions"]) == 1
    check_sums(report, tmp_path / "p")
    if limit is None:
        assert {"trap", "finish"} <= {f["name"] for f in report["functions"]}


@pytest.mark.parametrize("limit", [None, 3, 500])
def test_profiles_of_the_core_bench_add_up(tmp_path, limit):
    text = """
.globl _start
_start: lui a1, 0x1000F
  li sp, 0x10002000
  sw x0, 0(a1)
  li s0, 30
1: jal ra, work
  addi s0, s0, -1
  bnez s0, 1b
  sw x0, 4(a1)
  sw x0, 8(a1)
2: j 2b
.globl work
work: div a5, s0, sp
  lw a4, 0(sp)
  add a5, a5, a4
  beqz a5, 3f
  j other
3: ret
.globl other
other: mulh a5, a4, a4
  ret
"""
    elf = assemble(tmp_path, text, base=0x80, march="rv32imc_zicsr")
    bench = ["--platform", ROOT / "configs/platform/core_bench.json"]
    cut = ["--max-cycles", limit] if limit else []
    plain = run_elf(elf, *bench, *cut, check=3 if limit else 0)
    report = run_elf(
        elf, *bench, *cut, "--profile", tmp_path / "p", f"--trace={tmp_path / 't'}", check=3 if limit else 0
    )
    assert account(plain) == account(report)
    _, calls = check_sums(report, tmp_path / "p")
    read_trace(tmp_path / "t")
    if limit is None:
        assert calls["_start", "work"] == 30
        by_name = {f["name"]: f["cycles"] for f in report["functions"]}
        assert by_name["work"] > 30 * 3 and plain["marker_cycles"] == report["marker_cycles"]


def test_a_run_that_is_cut_off_adds_up(program, tmp_path):
    for limit in (1, 2, 50, 777, 1234):
        report = run_elf(program, *CLUSTER, "--max-cycles", limit, "--profile", tmp_path / "p", check=3)
        assert report["cycles"] == limit
        check_sums(report, tmp_path / "p")


def test_the_report_stands_on_stderr_and_quiet_leaves_it_out(program):
    done = run("elf", program, *CLUSTER, check=0)
    assert done.stdout == ""
    cycles = f"{run_elf(program, *CLUSTER)['cycles']:,}"
    for part in (f"exit 0 after {cycles} cycles", "core7", "redmule", "dma", "fib", "outer/inner", "event_wait"):
        assert part in done.stderr
    quiet = run("elf", program, *CLUSTER, "--quiet", check=0)
    assert quiet.stdout == quiet.stderr == ""


def test_the_log_has_each_retired_instruction(program, tmp_path):
    report = run_elf(program, *CLUSTER, "--insn", tmp_path / "all.tsv")
    rows = [line.split("\t") for line in (tmp_path / "all.tsv").read_text().splitlines()[1:]]
    assert Counter(int(row[1]) for row in rows) == Counter(dict(enumerate(report["instructions"])))
    order = [(int(row[0]), int(row[1])) for row in rows]
    assert order == sorted(set(order))
    waits = Counter()
    previous = dict.fromkeys(range(8), -1)
    for cycle, hart, _, _, _, stalls in rows:
        lost = int(stalls.split()[1]) if stalls != "-" else 0
        assert int(cycle) == previous[int(hart)] + 1 + lost
        previous[int(hart)] = int(cycle)
        waits[int(hart)] += lost
    assert re.fullmatch(r"fib \(program\.c:\d+\)", next(row[3] for row in rows if row[3].startswith("fib")))
    dump = ["llvm-objdump-19", "-d", "--no-show-raw-insn", "--no-leading-addr", program]
    known = subprocess.run(dump, capture_output=True, text=True, check=True).stdout
    mnemonics = {line.split()[0] for line in known.splitlines() if line.startswith(" ") and line.split()}
    logged = {row[4].split()[0] for row in rows}
    assert "slti" in logged and len(logged & mnemonics) > 10

    run_elf(program, *CLUSTER, "--insn", tmp_path / "part.tsv", "--insn-core", 2, "--insn-from", 300, "--insn-to", 600)
    part = [line.split("\t") for line in (tmp_path / "part.tsv").read_text().splitlines()[1:]]
    assert part == [row for row in rows if row[1] == "2" and 300 <= int(row[0]) <= 600] != []


def test_a_core_that_is_not_there_is_refused(program, tmp_path):
    done = run("elf", program, "--insn", tmp_path / "x.tsv", "--insn-core", 8, check=2)
    assert done.stderr.count("\n") == 1 and "0 to 7" in done.stderr
    assert not (tmp_path / "x.tsv").exists()


def test_a_folder_that_cannot_be_written_is_refused(program, tmp_path):
    (tmp_path / "file").write_text("")
    done = run("elf", program, "--profile", tmp_path / "file", check=2)
    assert done.stderr.count("\n") == 1


def test_lines_of_the_kernels_change_no_byte_of_code(tmp_path):
    flags = re.search(r"set\(riscv_flags (.*?)\)\n\n", (ROOT / "kernels/CMakeLists.txt").read_text(), re.S)[1]
    flags = [f for f in re.sub(r"#.*", "", flags).replace("${PROJECT_SOURCE_DIR}", str(ROOT)).split()]
    lines = [f for f in flags if f.startswith("-g") or f.startswith("-fdebug")]
    assert "-gline-tables-only" in lines
    for source in ("kernels/lib/norm/layernorm.c", "kernels/tests/gemm_sizes.c", "kernels/runtime/interpreter.c"):
        if not (ROOT / source).exists():
            continue
        code = []
        for some in (flags, [f for f in flags if f not in lines]):
            subprocess.run(["clang-19", *some, "-c", ROOT / source, "-o", tmp_path / "x.o"], check=True)
            command = ["llvm-objcopy-19", "--strip-debug", tmp_path / "x.o", tmp_path / "y.o"]
            subprocess.run(command, check=True)
            dump = ["llvm-objdump-19", "-dr", tmp_path / "y.o"]
            code.append(subprocess.run(dump, capture_output=True, check=True).stdout)
        assert code[0] == code[1]
        assert str(ROOT).encode() not in (tmp_path / "x.o").read_bytes()


def read_trace(file: Path) -> dict[str, list[tuple[int, int, str]]]:
    """By track: begin, end in nanoseconds, name of each slice; asserts that they nest and follow the time."""
    names, slices, open_slices, now = {}, {}, {}, Counter()
    for _, packet in fields(file.read_bytes()):
        packet = dict(fields(packet))
        if 60 in packet:
            track = dict(fields(packet[60]))
            names[track[1]] = track[2].decode() if 2 in track else ""
            continue
        event = dict(fields(packet[11]))
        track = names[event[11]]
        assert packet[8] >= now[track]
        now[track] = packet[8]
        if event[9] == 1:
            open_slices.setdefault(track, []).append((packet[8], event[23].decode()))
        else:
            begin, name = open_slices[track].pop()
            slices.setdefault(track, []).append((begin, packet[8], name))
    assert not any(open_slices.values())
    return slices


def test_calls_and_regions_are_slices_that_nest(program, tmp_path):
    report = run_elf(program, *CLUSTER, f"--trace={tmp_path / 't.pftrace'}", "--profile", tmp_path / "p")
    slices = read_trace(tmp_path / "t.pftrace")
    last = report["cycles"] * 1e9 / 300e6
    for h in range(8):
        calls = slices[f"core{h} calls"]
        assert min(calls)[0] == 0 and max(end for _, end, _ in calls) == pytest.approx(last, abs=1)
        count = Counter(name for _, _, name in calls)
        assert count["program"] == count["[outer]"] == 1 and count["[inner]"] == 20 + h
        assert count["leaf"] == 20 + h
        assert Counter(name for _, _, name in slices[f"core{h} regions"]) == {"[outer]": 1, "[inner]": 20 + h}
    plain = run_elf(program, *CLUSTER)
    assert account(plain) == account(report)


def test_transfers_and_jobs_are_slices(tmp_path):
    for name, define, track in (("dma_copies", "COPIES=5", "dma in"), ("redmule_jobs", "JOBS=5", "redmule")):
        elf = tmp_path / f"{name}.elf"
        flags = [
            "--target=riscv32",
            "-march=rv32imc_zfinx_zicsr_zifencei_xcvelw",
            "-mabi=ilp32",
            "-nostdlib",
            "-static",
        ]
        flags += ["-fuse-ld=lld-19", "-Wl,-Ttext=0x1C008080", "-Wl,--no-relax", f"-D{define}"]
        subprocess.run(["clang-19", *flags, ROOT / f"kernels/bench/{name}.S", "-o", elf], check=True)
        report = run_elf(elf, *CLUSTER, f"--trace={tmp_path / 't.pftrace'}")
        slices = read_trace(tmp_path / "t.pftrace")[track]
        assert len(slices) == 5
        assert max(end for _, end, _ in slices) <= report["cycles"] * 1e9 / 300e6 + 1


def test_the_page_has_each_source_line_with_its_cycles(program, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "python")
    from etude.report.profile_page import write_profile_page

    report = run_elf(program, *CLUSTER, "--profile", tmp_path / "p")
    page = write_profile_page(tmp_path / "p").read_text()
    assert "[inner]" in page and "outer/inner" in page and "<svg" in page
    rows = re.findall(r'<tr><td class="n">(\d+)</td><td class="n">([\d,]*)</td>(.*?)</tr>', page)
    known = [int(number) for number, _, _ in rows if number != "0"]  # start-up code has no line
    assert known == list(range(1, len(PROGRAM.splitlines()) + 1))
    assert sum(int(cycles.replace(",", "")) for _, cycles, _ in rows if cycles) == report["cycles"] * 8
    fib = next(row for row in rows if "int fib(int n)" in row[2])
    assert fib[1] and "http" not in page.replace("http://www.w3.org", "")
