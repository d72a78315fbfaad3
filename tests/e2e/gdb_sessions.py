# SPDX-License-Identifier: Apache-2.0
"""Programs that a debugger holds, with GDB or a client that speaks its protocol by itself."""

import json
import re
import shutil
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import ROOT, SIM, run_elf
from test_profile import CLUSTER, START, compile_c

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


def build(folder: Path) -> Path:
    """The program."""
    assert SUM == 256
    return compile_c(folder, PROGRAM, "-g")


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


def same_account(elf: Path, report: dict, *arguments):
    """`report` is to the last figure that of both engines without a debugger, but for what they say of themselves."""
    for engine, own in (("fast", {"mcycles_per_s", "stepped_cycles"}), ("lockstep", {"mcycles_per_s"})):
        plain = run_elf(elf, *CLUSTER, *arguments, "--engine", engine, check=report["status"])
        for key in (plain.keys() | report.keys()) - own - {"stderr", "status"}:
            assert plain.get(key) == report.get(key), (engine, key)


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


def session(elf: Path, *commands: str) -> tuple[str, dict]:
    """What GDB says to `commands`, and how the program ends."""
    with held(elf) as (process, port):
        return gdb(elf, port, *commands), end_of(process)
