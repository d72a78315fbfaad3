# SPDX-License-Identifier: Apache-2.0
"""A GDB holds a program: every hart stops, what it reads is right, and no cycle is different for it."""

import json
import random
import re
import shutil
import socket
import subprocess
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import ROOT, SIM, assemble, run, run_elf, shared
from test_profile import CLUSTER, START, compile_c, random_program
from test_tohost_programs import FRAME

GDB = shutil.which("gdb-multiarch")
needs_gdb = pytest.mark.skipif(GDB is None, reason="needs gdb-multiarch (scripts/setup.sh --tests)")

# Eight harts add up parts of a sum of floats; hart 0 checks it. Each passes the kernel twice.
PROGRAM = (
    START
    + """
volatile float x[64];
volatile float part[8];
volatile int passes[8];
volatile int marked;
__attribute__((noinline)) float kernel(const volatile float* from, float start) {
  float sum = start;
  for (int i = 0; i < 8; i++) sum += from[i];
  return sum;
}
static void barrier(void) {
  volatile unsigned* const eu = (volatile unsigned*)0x10204000;
  unsigned got;
  __asm__ volatile(".insn i 0x0b, 3, %0, %1, 0x21c" : "=r"(got) : "r"(eu) : "memory");
}
void program(int hart) {
  volatile unsigned* const eu = (volatile unsigned*)0x10204000;
  eu[0x200 / 4] = 0xff;
  eu[0x20c / 4] = 0xff;
  eu[0] = 0x10000;
  for (int i = 0; i < 8; i++) x[8 * hart + i] = hart + 0.125f * i;
  barrier();
  for (int pass = 0; pass < 2; pass++) {
    part[hart] = kernel(x + 8 * hart, 0.5f);
    passes[hart]++;
  }
  barrier();
  if (hart == 3) marked = 77;
  float sum = 0;
  for (int i = 0; i < 8; i++) sum += part[i];
  barrier();
  finish(hart, sum == 256.0f ? 0 : 1);
}
"""
)
SUM = 28 * 8 + 8 * 3.5 + 8 * 0.5  # 256


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    assert SUM == 256
    return compile_c(tmp_path_factory.mktemp("gdb"), PROGRAM, "-g")


@contextmanager
def held(elf: Path, *arguments):
    """A run that waits for its debugger: the process and its port."""
    command = [SIM, "elf", elf, *CLUSTER, "--json", "--gdb", "0", *arguments]
    process = subprocess.Popen(
        [*map(str, command)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    line = process.stderr.readline()
    assert (match := re.fullmatch(r"gdb: waiting for a debugger at 127\.0\.0\.1:(\d+)\n", line)), line
    try:
        yield process, int(match[1])
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def gdb(elf: Path, port: int, *commands: str) -> str:
    """What GDB says to `commands`, one after the other."""
    script = ["set confirm off", "set pagination off", "set width 0", f"target remote 127.0.0.1:{port}", *commands]
    arguments = [part for command in script for part in ("-ex", command)]
    done = subprocess.run([GDB, "-q", "-nx", "-batch", *arguments, elf], capture_output=True, text=True, timeout=100)
    return done.stdout + done.stderr


def end_of(process) -> dict:
    out, err = process.communicate(timeout=100)
    report = json.loads(out)
    report["stderr"] = err
    report["status"] = process.returncode
    return report


def same_cycles(elf: Path, report: dict, *arguments):
    plain = run_elf(elf, *CLUSTER, *arguments, check=report["status"])
    for key in ("exit", "cycles", "instructions", "stalls", "counters"):
        assert plain[key] == report[key], key


@needs_gdb
def test_a_breakpoint_in_a_kernel_stops_all_harts_and_the_result_is_right(program):
    with held(program) as (process, port):
        text = gdb(
            program,
            port,
            "break kernel",
            "continue",
            "info threads",
            "print start",
            "print from[3]",
            "monitor cycle",
            "monitor cycle",
            "backtrace",
            "delete",
            "watch marked",
            "continue",
            "print marked",
            "thread",
            "stepi",
            "next",
            "delete",
            "continue",
        )
        report = end_of(process)
    assert re.search(r"Thread \d+ \"core\d+\" hit Breakpoint 1, kernel", text), text
    assert len(re.findall(r"^[* ] +\d+ +Thread \d+ \"core\d\"", text, re.M)) == 8
    hart = int(re.search(r"Thread \d+ \"core(\d)\" hit Breakpoint 1", text)[1])
    assert "$1 = 0.5" in text and f"$2 = {hart + 0.375:g}" in text
    cycles = re.findall(r"^(\d+)$", text, re.M)
    assert len(cycles) == 2 and cycles[0] == cycles[1]
    assert re.search(r"#1 +0x[0-9a-f]+ in program \(hart=", text)
    assert re.search(r"Hardware watchpoint 2: marked\n+Old value = 0\nNew value = 77", text)
    assert "[Current thread is 4 " in text and "program (hart=3)" in text.split("New value = 77")[1]
    assert "exited normally" in text
    assert report["exit"] == 0
    same_cycles(program, report)


@needs_gdb
def test_each_hart_hits_the_breakpoint_each_time_it_passes(program):
    """GDB steps over a breakpoint with the thread alone; nobody else may slip through meanwhile."""
    for place in ("kernel", "*&kernel"):
        with held(program) as (process, port):
            commands = [f"break {place}"] + ["continue"] * 17
            text = gdb(program, port, *commands)
            report = end_of(process)
        hits = re.findall(r"Thread \d+ \"core(\d)\" hit Breakpoint 1", text)
        assert sorted(hits) == sorted(2 * [str(h) for h in range(8)]), text
        assert report["exit"] == 0 and "passes" not in report["stderr"]
        same_cycles(program, report)


@needs_gdb
@pytest.mark.parametrize("seed", range(4))
def test_breakpoints_are_hit_as_often_as_their_instructions_are_executed(program, tmp_path, seed):
    """The log of retired instructions is the truth; several harts reach a breakpoint in the same cycle."""
    draw = random.Random(seed)
    elf = program if seed < 2 else compile_c(tmp_path, random_program(seed), "-g")
    run_elf(elf, *CLUSTER, "--insn", tmp_path / "log.tsv")
    rows = [line.split("\t") for line in (tmp_path / "log.tsv").read_text().splitlines()[1:]]
    executed = Counter((int(row[1]), int(row[2], 16)) for row in rows)
    at = Counter(int(row[2], 16) for row in rows)
    known = sorted(pc for pc, count in at.items() if 8 <= count <= 40)
    first = draw.randrange(len(known) - 3)
    places = draw.sample(known, 4) if seed % 2 else known[first : first + 4]  # side by side
    total = sum(at[pc] for pc in places)
    with held(elf) as (process, port):
        text = gdb(elf, port, *[f"break *{pc:#x}" for pc in places], *["continue"] * (total + 1))
        report = end_of(process)
    hits = Counter((int(h), places[int(n) - 1]) for h, n in re.findall(r"\"core(\d)\" hit Breakpoint (\d)", text))
    assert hits == Counter({key: count for key, count in executed.items() if key[1] in places})
    assert "passes" not in report["stderr"]
    same_cycles(elf, report)


@needs_gdb
def test_read_and_access_watchpoints_and_hardware_breakpoints(program):
    with held(program) as (process, port):
        text = gdb(
            program,
            port,
            "hbreak kernel",
            "continue",
            "delete",
            "rwatch part[2]",
            "awatch passes[5]",
            *["continue"] * 3,
            "info registers mcycle mhartid",
            "delete",
            "continue",
        )
        report = end_of(process)
    assert "Hardware assisted breakpoint 1" in text and "hit Breakpoint 1" in text
    assert text.count("Hardware access (read/write) watchpoint 3: passes[5]") >= 3
    assert re.search(r"mhartid +0x5\s", text)
    same_cycles(program, report)


@needs_gdb
def test_stepping_goes_instruction_by_instruction(program):
    with held(program) as (process, port):
        text = gdb(
            program,
            port,
            "break kernel",
            "continue",
            "delete",
            *["stepi", 'printf "at %x\\n", $pc'] * 12,
            "finish",
            "detach",
        )
        report = end_of(process)
    pcs = [int(at, 16) for at in re.findall(r"^at ([0-9a-f]+)$", text, re.M)]
    assert len(pcs) == 12
    code = subprocess.run(
        ["llvm-objdump-19", "-d", "--no-show-raw-insn", program], capture_output=True, text=True
    ).stdout
    size = {}
    rows = [int(at, 16) for at in re.findall(r"^ *([0-9a-f]+):\s", code, re.M)]
    for at, behind in zip(rows, rows[1:], strict=False):
        size[at] = behind - at
    jumps = [(a, b) for a, b in zip(pcs, pcs[1:], strict=False) if b != a + size[a]]
    assert len(jumps) <= 2 and all(a != b for a, b in zip(pcs, pcs[1:], strict=False))
    assert re.search(r"Value returned is \$\d+ = [\d.]+", text)
    assert "lets go" in report["stderr"]
    same_cycles(program, report)


@needs_gdb
def test_what_is_written_is_what_the_program_goes_on_with(program):
    with held(program) as (process, port):
        text = gdb(
            program,
            port,
            "tbreak kernel",
            "continue",
            "set var part[7] = 1000",
            "print part[7]",
            "set var start = 64.5",
            "print start",
            "continue",
        )
        report = end_of(process)
    assert "$1 = 1000" in text and "$2 = 64.5" in text
    # The pass is made twice, and only the first was disturbed.
    assert report["exit"] == 0 and "exited normally" in text


@needs_gdb
def test_jumping_and_the_exit_status(program):
    with held(program) as (process, port):
        text = gdb(program, port, "tbreak kernel", "continue", "set var $a0 = 0", "set var $pc = $ra", "continue")
        report = end_of(process)
    # What the call would have stored is stored by the second one.
    assert report["exit"] == 0 and "exited normally" in text
    status = compile_c(program.parent, START + "void program(int hart) { finish(hart, 9); }", "-g", name="nine")
    with held(status) as (process, port):
        assert "exited with code 011" in gdb(status, port, "continue")
        assert end_of(process)["status"] == 9


@needs_gdb
def test_a_core_with_float_registers_shows_them(tmp_path):
    text = """
    __asm__(".globl _start\\n_start: csrr a0, mhartid\\n li t0, 0x6000\\n csrs mstatus, t0\\n"
            " li sp, 0x10004000\\n lui t1, 0x40490\\n fmv.w.x fa0, t1\\n here: fadd.s fa1, fa0, fa0\\n"
            " li t2, 0x1A1040A0\\n li t3, 0x80000000\\n sw t3, 0(t2)\\n loop: j loop");
    """
    elf = compile_c(tmp_path, text, "-march=rv32imfc_zicsr", "-mabi=ilp32")
    isa = ["--set", "/platform/cluster/isa=rv32imfc_zicsr_zifencei"]
    with held(elf, *isa) as (process, port):
        told = gdb(
            elf, port, "break *&here", "continue", "print $fa0", "stepi", "print $fa1", "delete", "print $fcsr", "kill"
        )
        out, err = process.communicate(timeout=60)
    assert "$1 = 3.140625" in told and "$2 = 6.28125" in told, told
    assert process.returncode == 3 and "killed by the debugger" in err


@needs_gdb
def test_a_program_that_fails_is_held_where_it_fails(program, tmp_path):
    body = "__attribute__((noinline)) void deep(int hart) { if (hart == 2) *(volatile int*)0x50000000 = 1; }"
    elf = compile_c(tmp_path, START + body + "void program(int hart) { deep(hart); finish(hart, 0); }", "-g")
    with held(elf) as (process, port):
        text = gdb(elf, port, "continue", "backtrace", "thread", "continue")
        out, err = process.communicate(timeout=60)
    assert "SIGABRT" in text and "where nothing is mapped" in text
    assert re.search(r"#0 .*deep", text) and '"core2"' in text
    assert process.returncode == 3 and "where nothing is mapped" in err
    plain = run("elf", elf, *CLUSTER, "--json", check=3)
    assert json.loads(out)["cycles"] == json.loads(plain.stdout)["cycles"]


def test_ctrl_c_stops_a_program_that_runs_for_ever(tmp_path):
    elf = compile_c(tmp_path, START + 'void program(int hart) { for (;;) __asm__ volatile("nop"); }', "-g")
    with held(elf) as (process, port):
        client = Client(port)
        client.ask("QStartNoAckMode")
        client.no_ack = True
        client.send("vCont;c")
        client.socket.sendall(b"\x03")
        assert client.receive().startswith("T02")
        first = client.ask("qRcmd," + b"cycle".hex())
        assert client.ask("qRcmd," + b"cycle".hex()) == first
        client.send("k")
        process.communicate(timeout=60)
        assert process.returncode == 3


class Client:
    """Speaks the protocol by itself."""

    def __init__(self, port: int):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.no_ack = False
        self.buffer = b""

    def raw(self, data: bytes):
        self.socket.sendall(data)

    def send(self, text: str):
        body = text.encode("latin-1")
        self.raw(b"$" + body + b"#%02x" % (sum(body) & 255))

    def receive(self) -> str:
        while not (match := re.search(rb"\$([^#]*)#(..)", self.buffer, re.S)):
            got = self.socket.recv(65536)
            if not got:
                raise ConnectionError("closed")
            self.buffer += got
        self.buffer = self.buffer[match.end() :]
        assert int(match[2], 16) == sum(match[1]) & 255
        if not self.no_ack:
            self.raw(b"+")
        return match[1].decode("latin-1")

    def ask(self, text: str) -> str:
        self.send(text)
        return self.receive()


def test_threads_registers_and_memory_over_the_bare_protocol(program):
    with held(program) as (process, port):
        client = Client(port)
        assert "qXfer:features:read+" in client.ask("qSupported:swbreak+;hwbreak+")
        assert client.ask("?").startswith("T05")
        assert client.ask("qfThreadInfo") == "m1,2,3,4,5,6,7,8"
        xml = client.ask("qXfer:features:read:target.xml:0,3fff")
        assert "riscv:rv32" in xml and "ieee_single" not in xml  # floats are in x registers here
        everything = client.ask("g")
        assert len(everything) == 33 * 8
        assert client.ask("p20") == everything[32 * 8 :] == "8080001c"
        assert client.ask("P1=efbeadde") == "OK" and client.ask("p1") == "efbeadde"
        assert client.ask("P0=efbeadde") == "OK" and client.ask("p0") == "00000000"
        assert client.ask("M10002000,4:01020304") == "OK" and client.ask("m10002000,4") == "01020304"
        assert client.ask("X10002000,2:}\x03}\x04") == "OK" and client.ask("m10002000,4") == "23240304"
        assert client.ask("Hg8") == "OK" and client.ask("p" + hex(65 + 0xF14)[2:]) == "07000000"
        assert client.ask("vCont?") == "vCont;c;C;s;S"
        assert client.ask("s").startswith("T05thread:8")
        assert client.ask("vCont;s:2;c").startswith("T05thread:2")
        assert client.ask("D") == "OK"
        assert end_of(process)["exit"] == 0


WRONG = """
m m1 m1, mffffffffff,4 m50000000,4 M10002000,4:01 X10002000,9:a Mzz,1:00 P P5 P5=12 p p9999 p11223344556677889900
P9999=00000000 G00 Hx1 Hg Hg99 T99 Z0 Z0,1 Z9,1,1 Z2,10000000,0 Z0,ffffffffff,2 vCont vCont; vCont;x vCont;s:99
vCont;c:-2 C cxyz c3 qXfer:features:read:target.xml: qXfer:features:read:other.xml:0,10 qThreadExtraInfo,99 qRcmd,0
vRun;a !
"""


@pytest.mark.parametrize("packet", [*WRONG.split(), "\x00\x01", "qSupported:" + 5000 * "a"])
def test_what_is_not_understood_is_answered_and_harms_nothing(held_once, packet):
    answer = held_once.ask(packet)
    assert answer == "" or re.fullmatch(r"E[0-9a-f]{2}|PacketSize.*", answer), answer
    assert held_once.ask("?").startswith("T05")


@pytest.fixture(scope="module")
def held_once(program):
    with held(program) as (_, port):
        yield Client(port)


def test_damaged_packets_are_told_once(program):
    with held(program) as (process, port):
        client = Client(port)
        client.raw(b"$g#00")
        assert client.socket.recv(1) == b"-"
        client.raw(b"noise$g#zz")
        client.raw(b"$" + 70000 * b"m" + b"#%02x" % (70000 * ord("m") & 255))
        client.raw(b"$mm$")
        client.raw(b"?#3f")
        client.buffer = b""
        assert client.receive().startswith("T05")
        client.send("D")
        report = end_of(process)
    lines = report["stderr"].splitlines()
    assert [line for line in lines if line.startswith("gdb: ignored")] == [
        "gdb: ignored: a packet with a wrong checksum"
    ]
    assert report["exit"] == 0
    same_cycles(program, report)


def test_random_bytes_never_stop_the_program_from_ending(program):
    draw = random.Random(7)
    commands = [
        "g",
        "m10000000,10",
        "Z0,1c008080,4",
        "z0,1c008080,4",
        "vCont;s:3",
        "s",
        "p20",
        "qC",
        "vCont;c",
        "X10003000,3:}}a",
    ]
    for _ in range(6):
        with held(program) as (process, port):
            client = Client(port)
            try:
                for _ in range(60):
                    text = draw.choice(commands).encode()
                    mangled = bytearray(b"$" + text + b"#%02x" % (sum(text) & 255))
                    for _ in range(draw.randrange(4)):
                        mangled[draw.randrange(len(mangled))] = draw.randrange(256)
                    if draw.random() < 0.3:
                        body = bytes(draw.randrange(256) for _ in range(draw.randrange(30))).replace(b"k", b"g")
                        mangled = b"$" + body + b"#%02x" % (sum(body) & 255)
                    client.raw(bytes(mangled))
            except OSError:
                pass
            client.socket.close()
            _, err = process.communicate(timeout=60)
        assert process.returncode in (0, 1, 3) and "internal error" not in err, err


def test_a_debugger_that_goes_away_lets_the_program_go_on(program):
    with held(program) as (process, port):
        socket.create_connection(("127.0.0.1", port)).close()  # only looks
        client = Client(port)
        assert client.ask("vCont;s:1").startswith("T05thread:1")
        client.socket.close()
        report = end_of(process)
    assert report["stderr"].count("the debugger is gone") == 1
    same_cycles(program, report)


def test_a_second_debugger_is_sent_away(program):
    with held(program) as (process, port):
        client = Client(port)
        client.ask("?")
        second = Client(port)
        with pytest.raises((ConnectionError, OSError)):
            second.ask("?")
        client.ask("D")
        report = end_of(process)
    assert report["stderr"].count("a second debugger was sent away") == 1


def test_a_port_that_is_taken_is_refused(program):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = run("elf", program, *CLUSTER, "--gdb", port, check=2)
    assert done.stderr.count("\n") == 1 and str(port) in done.stderr and done.stdout == ""
    for wrong in ("-1", "65536", "x"):
        assert run("elf", program, *CLUSTER, "--gdb", wrong, check=2).stderr.count("\n") == 1


@needs_gdb
@pytest.mark.parametrize("name", ["03_swevent_handoff", "06_byte_neighbours", "33_tas_lock", "35_dispatch_fork"])
def test_programs_of_others_take_the_same_cycles(tmp_path, name):
    folder = shared("cases/check")
    source = folder / f"{name}.c"
    cores = re.search(r"cores=(\d+)", source.read_text())[1]
    flags = re.search(r'F="([^"]*)"', (folder / "build.sh").read_text())[1].split()
    elf = tmp_path / "program.elf"
    objects = []
    for file in (source, folder / "start.c"):
        objects.append(tmp_path / f"{file.stem}.o")
        subprocess.run(["clang-19", *flags, f"-DCORES={cores}", "-c", file, "-o", objects[-1]], check=True)
    subprocess.run(["ld.lld-19", "--no-relax", "-T", folder / "chk.ld", *objects, "-o", elf], check=True)
    options = ["--set", f"/platform/cluster/cores={cores}"]
    with held(elf, *options) as (process, port):
        gdb(elf, port, "break test", *["continue"] * 3, *["stepi"] * 5, "delete", "continue")
        report = end_of(process)
    same_cycles(elf, report, *options)


@needs_gdb
def test_a_single_core_of_the_isa_tests_is_held_too(tmp_path):
    body = "  li gp, 2\n  li t0, 5\n2: addi t0, t0, -1\n.globl here\nhere: bnez t0, 2b\n  j pass"
    text = ".globl finish\n" + FRAME.format(body=body, extra="")
    elf = assemble(tmp_path, text, base=0x80000000, march="rv32imfc_zicsr_zifencei")
    with held(elf) as (process, port):
        told = gdb(
            elf,
            port,
            "break *&here",
            *["continue", "print $t0"] * 5,
            "break *&finish",
            "continue",
            "print $mcause",
            "continue",
        )
        report = end_of(process)
    assert re.findall(r"^\$\d = (\d+)$", told, re.M) == ["4", "3", "2", "1", "0", "11"], told
    assert "exited normally" in told
    same_cycles(elf, report)


@needs_gdb
def test_the_core_bench_is_held_too(tmp_path):
    elf = assemble(
        tmp_path,
        ".globl _start\n_start: lui a1, 0x1000F\n  sw x0, 0(a1)\n  lui a0, 0x10000\n  li a2, 42\n"
        ".globl here\nhere: sw a2, 8(a0)\n  sw x0, 4(a1)\n  sw x0, 8(a1)\n1: j 1b\n",
        base=0x80,
        march="rv32imc_zicsr",
    )
    bench = ["--platform", ROOT / "configs/platform/core_bench.json"]
    with held(elf, *bench) as (process, port):
        told = gdb(
            elf,
            port,
            "watch *(int*)0x10000008",
            "continue",
            "print (long)$pc - (long)&here",
            "delete",
            "stepi",
            "continue",
        )
        report = end_of(process)
    assert "New value = 42" in told and "$1 = 2" in told
    same_cycles(elf, report, *bench)


@needs_gdb
def test_profile_trace_and_log_are_the_same_with_a_debugger(program, tmp_path):
    def files(folder: Path) -> list:
        return ["--profile", folder, f"--trace={folder / 't.pftrace'}", "--insn", folder / "log.tsv"]

    (tmp_path / "plain").mkdir()
    (tmp_path / "held").mkdir()
    run_elf(program, *CLUSTER, *files(tmp_path / "plain"))
    with held(program, *files(tmp_path / "held")) as (process, port):
        gdb(program, port, "break kernel", "continue", "stepi", "continue", "delete", "continue")
        report = end_of(process)
    same_cycles(program, report)
    for name in ("callgrind.out", "stacks.txt", "profile.json", "log.tsv", "t.pftrace"):
        assert (tmp_path / "plain" / name).read_bytes() == (tmp_path / "held" / name).read_bytes(), name
