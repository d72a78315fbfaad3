# SPDX-License-Identifier: Apache-2.0
"""The bytes between a debugger and a held program: packets, damaged ones, debuggers that go away."""

import random
import re
import socket

import pytest
from gdb_sessions import Client, build, end_of, held, same_account
from support import run
from test_profile import CLUSTER, START, compile_c


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return build(tmp_path_factory.mktemp("gdb"))


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
    same_account(program, report)


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
    same_account(program, report)


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
