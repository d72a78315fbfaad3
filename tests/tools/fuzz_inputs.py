# SPDX-License-Identifier: Apache-2.0
"""Feeds damaged files (ELF, npz, ONNX, JSON, CSV, traces) to etude-sim and looks for crashes.

Usage: fuzz_inputs.py [--build build-asan] [--mutations 2000] [--jobs 2] [--seed 1]

A damaged file must give one line and exit status 2, or be what it still says: a program that runs to its own end
or fails with status 3, a training step that passes its check or fails it with status 1. A signal, a report of a
sanitizer, an internal error or a run beyond the time limit is a defect: the file is kept and named. Models that
fuzz_graphs draws (external data, shape arithmetic) end with 0, 2 or 3 alone.
"""

import argparse
import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fuzz_graphs
import numpy

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
SHARED = Path(os.environ.get("ETUDE_SHARED_DIR", ROOT.parent / "shared"))
LIMIT = 120  # seconds, sanitizers included
SIGNS = ("AddressSanitizer", "LeakSanitizer", "runtime error", "internal error", "terminate called", "Assertion")

PROGRAM = """
.globl _start
_start:
  csrr a0, mhartid
  li t0, 0x2000
  csrs mstatus, t0
  la sp, stack
  slli a1, a0, 4
  add sp, sp, a1
  li t0, 40
1: sw t0, 0(sp)
  lw t1, 0(sp)
  add t2, t2, t1
  addi t0, t0, -1
  bnez t0, 1b
  call work
  la t3, tohost
  li t4, 1
  sw t4, 0(t3)
  li t3, 0x1a1040a0
  li t4, 0x80000000
  sw t4, 0(t3)
2: j 2b
.data
.balign 64
.globl tohost
tohost: .dword 0
stack: .zero 512
"""
WORK = """
.text
work:
  mul a2, t2, t2
  divu a3, a2, t1
  fcvt.s.w {0}, a2
  fmul.s {0}, {0}, {0}
  fence.i
  ret
"""
FLOAT = WORK.format("fa4")
ZFINX = WORK.format("a4")
MLP = {
    "platform": "platform/traindeeploy.json",
    "workload": {"network": "mlp", "sizes": [12, 9, 5], "batch": 4, "inputs": "x.npz"},
    "train": {"method": "full", "lr": 0.05, "steps": 1, "initial": "w.npz"},
    "energy": "energy/22fdx.json",
    "run": {"max_cycles": 300000},
}


def damage(data: bytes, draw: random.Random) -> bytes:
    """One of: cut, flipped bits, replaced bytes, a repeated or removed stretch, interesting integers."""
    data = bytearray(data)
    kind = draw.randrange(6)
    if kind == 0:
        return bytes(data[: draw.randrange(len(data))])
    for _ in range(draw.choice((1, 1, 1, 2, 4, 16))):
        at = draw.randrange(len(data))
        if kind == 1:
            data[at] ^= 1 << draw.randrange(8)
        elif kind == 2:
            data[at] = draw.randrange(256)
        elif kind == 3:
            end = min(len(data), at + draw.randrange(1, 64))
            del data[at:end]
            if not data:
                return b""
        elif kind == 4:
            end = min(len(data), at + draw.randrange(1, 64))
            data[at:at] = data[at:end]
        else:
            value = draw.choice((0, 1, 0x7F, 0x80, 0xFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFF0))
            data[at : at + 4] = value.to_bytes(4, "little")
    return bytes(data)


def damage_text(data: bytes, draw: random.Random) -> bytes:
    """As damage, but half the time a word or number is replaced by another one."""
    if draw.random() < 0.4:
        return damage(data, draw)
    words = data.decode("utf-8").split('"') if draw.random() < 0.3 else None
    if words:
        i = draw.randrange(len(words))
        words[i] = draw.choice(
            ["", "x", "/", "..", "\\u0000", "é", "null", "A" * 300, words[draw.randrange(len(words))]]
        )
        return '"'.join(words).encode()
    text = data.decode("utf-8")
    spots = [i for i, c in enumerate(text) if c.isdigit() and not text[i - 1].isdigit()]
    if not spots:
        return damage(data, draw)
    at = draw.choice(spots)
    end = at
    while end < len(text) and (text[end].isdigit() or text[end] == "."):
        end += 1
    number = draw.choice(
        ["0", "-1", "1", "2", "3", "7", "65536", "4294967295", "4294967296", "18446744073709551616", "1e400", "1e-400"]
        + ["0.5", "-0.0", "NaN", "null", "true", "[]", "{}", '""', "1e9", "2147483648"]
    )
    return (text[:at] + number + text[end:]).encode()


def damage_npz(data: bytes, draw: random.Random) -> bytes:
    """As damage, but mostly inside the arrays, under checksums that are right."""
    if draw.random() < 0.3:
        return damage(data, draw)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        names = old.namelist()
        hit = draw.choice(names)
        for name in names:
            content = old.read(name)
            if name == hit:
                head = content[: draw.choice((128, len(content)))]  # half of the time in the header
                content = damage(head, draw) + content[len(head) :]
                name = name if draw.random() < 0.9 else draw.choice(("y.npy", "x", "../x.npy", ""))
            new.writestr(name or "nothing", content)
    return out.getvalue()


class Fuzzer:
    def __init__(self, build: Path, work: Path):
        self.sim = build / "etude-sim"
        self.work = work
        self.cases = []
        self.make_elf()
        self.make_training()
        self.make_graphs()
        self.make_tables()

    def seed(self, name: str, data: bytes, mutate, weight: int, command) -> None:
        file = self.work / name
        file.write_bytes(data)
        done = self.run(command(str(file)))
        assert done.returncode == 0, f"{name} as it was: {done.stderr}"
        self.cases += [(name, data, mutate, command)] * weight

    def make_elf(self) -> None:
        from support import assemble

        fast = ["--max-cycles", "20000"]
        htif = assemble(self.work, PROGRAM + FLOAT, base=0x80000000, march="rv32imfc_zicsr_zifencei", name="htif")
        pulp = assemble(self.work, PROGRAM + ZFINX, march="rv32imc_zfinx_zicsr_zifencei", name="pulp")
        on_htif = ["--platform", str(ROOT / "configs/platform/htif_single.json")]
        self.seed("htif.elf", htif.read_bytes(), damage, 3, lambda f: ["elf", f, *fast, *on_htif])
        self.seed("pulp.elf", pulp.read_bytes(), damage, 2, lambda f: ["elf", f, *fast])
        self.seed("auto.elf", htif.read_bytes(), damage, 1, lambda f: ["elf", f, *fast, "--json"])
        lockstep = ["--set", "/run/engine=lockstep"]
        self.seed("slow.elf", pulp.read_bytes(), damage, 1, lambda f: ["elf", f, *fast, *lockstep])

    def make_training(self) -> None:
        draw = numpy.random.default_rng(3)
        x = draw.normal(size=(8, 12)).astype(numpy.float32)
        numpy.savez(self.work / "x.npz", x=x, target=draw.normal(size=(8, 5)).astype(numpy.float32))
        base = {**MLP, "workload": {**MLP["workload"]}, "train": {**MLP["train"]}}
        del base["workload"]["inputs"], base["train"]["initial"]
        config = self.work / "base.json"
        config.write_text(json.dumps(base))
        done = self.run(["run", str(config), "--quiet", "--out", str(self.work / "base")])
        assert done.returncode == 0, done.stderr
        shutil.copy(self.work / "base" / "outputs.npz", self.work / "w.npz")
        with numpy.load(self.work / "base" / "outputs.npz") as kept:
            weights = {n: kept[n] for n in kept.files if n.startswith("fc") and "grad" not in n}
        numpy.savez(self.work / "w.npz", **weights)

        def run_with(key):
            def command(file):
                out = str(Path(file).with_suffix(".out"))
                return ["run", str(config), "--set", f"{key}={file}", "--quiet", "--out", out]

            return command

        self.seed("x.npz", (self.work / "x.npz").read_bytes(), damage_npz, 3, run_with("/workload/inputs"))
        self.seed("w.npz", (self.work / "w.npz").read_bytes(), damage_npz, 2, run_with("/train/initial"))
        onnx = self.work / "mlp.onnx"
        done = self.run(["describe", str(config), "--onnx", str(onnx)])
        assert done.returncode == 0, done.stderr
        wrapped = {**base, "workload": {"onnx": str(onnx)}, "train": {"steps": 1}}
        (self.work / "onnx.json").write_text(json.dumps(wrapped))

        def describe(file):
            return ["describe", str(self.work / "onnx.json"), "--set", f"/workload/onnx={file}", "--json"]

        def execute(file):
            out = str(Path(file).with_suffix(".out"))
            return ["run", str(self.work / "onnx.json"), "--set", f"/workload/onnx={file}", "--quiet", "--out", out]

        self.seed("mlp.onnx", onnx.read_bytes(), damage, 3, describe)
        self.seed("run.onnx", onnx.read_bytes(), damage, 2, execute)
        for graph in sorted((SHARED / "data").glob("*/network.onnx")):
            self.seed(f"{graph.parent.name}.onnx", graph.read_bytes(), damage, 1, describe)
        text = json.dumps(base, indent=1).encode()
        self.seed("config.json", text, damage_text, 3, lambda f: ["describe", f])
        self.seed("run.json", text, damage_text, 3, lambda f: ["run", f, "--quiet", "--out", f + ".out"])
        platform = (ROOT / "configs/platform/traindeeploy.json").read_bytes()
        point = str(self.work / "base.json")
        self.seed("platform.json", platform, damage_text, 3, lambda f: ["describe", point, "--set", f"/platform={f}"])
        self.seed("gemm.json", platform, damage_text, 2, lambda f: [*"gemm --m 9 --n 9 --k 9 --platform".split(), f])
        table = (ROOT / "configs/energy/22fdx.json").read_bytes()
        priced = str(self.work / "base")
        self.seed("energy.json", table, damage_text, 2, lambda f: ["price", priced, "--set", f"/energy={f}"])

        resolved = (self.work / "base" / "config.resolved.json").read_bytes()

        def again(file):
            folder = Path(file).with_suffix(".priced")
            folder.mkdir(exist_ok=True)
            (folder / "config.resolved.json").write_bytes(resolved)
            shutil.copy(file, folder / "result.json")
            manifest = json.loads((self.work / "base" / "manifest.json").read_text())
            manifest["files"] = []  # as if the run had written the damaged one
            for name in ("result.json", "config.resolved.json"):
                content = (folder / name).read_bytes()
                digest = hashlib.sha256(content).hexdigest()
                manifest["files"].append({"name": name, "bytes": len(content), "sha256": digest})
            (folder / "manifest.json").write_text(json.dumps(manifest))
            return ["price", str(folder)]

        self.seed("result.json", (self.work / "base" / "result.json").read_bytes(), damage_text, 2, again)

    def make_graphs(self) -> None:
        fuzz_graphs.write_data(self.work)
        config = self.work / "graph.json"
        workload = {"onnx": "", "batch": 3}
        config.write_text(json.dumps({"platform": "platform/traindeeploy.json", "workload": workload}))

        def describe(file):
            return ["describe", config, "--set", f"/workload/onnx={file}", "--json"]

        def execute(file):
            out = str(Path(file).with_suffix(".out"))
            return ["run", config, "--set", f"/workload/onnx={file}", "--quiet", "--out", out]

        for name, make in (("external", fuzz_graphs.external), ("shapes", fuzz_graphs.shapes)):
            self.seed(f"{name}.onnx", make(b"", None), make, 4, describe)
            self.seed(f"{name}_run.onnx", make(b"", None), make, 2, execute)

    def make_tables(self) -> None:
        shapes = b"M,N,K,gap,stall,seed\n12,16,16,0,0,1\n5,5,5,3,0.2,2\n1,33,7,0,0.1,3\n"
        self.seed("shapes.csv", shapes, damage_text, 1, lambda f: ["gemm", "--shapes", f, "--json"])
        for name, kind in (("hci_traces/g01_samebank.txt", "hci"), ("dma_rtl.csv", "dma")):
            with tarfile.open(ROOT / "tests/data/rtl_records.tar.xz") as records:
                record = records.extractfile(f"reference/{name}").read()
            head = b"\n".join(record.split(b"\n")[:120]) + b"\n"
            self.seed(f"{kind}.txt", head, damage_text, 1, lambda f, k=kind: ["replay", k, f, "--json"])

    def run(self, arguments):
        command = [str(self.sim), *map(str, arguments)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, timeout=LIMIT, errors="replace", text=True)

    def one(self, number: int, seed: int) -> str | None:
        """Runs one mutation; the complaint if it is a defect."""
        draw = random.Random(f"{seed}/{number}")
        name, data, mutate, command = draw.choice(self.cases)
        file = self.work / f"{number:05d}-{name}"
        file.write_bytes(mutate(data, draw))
        arguments = command(str(file))
        try:
            done = self.run(arguments)
        except subprocess.TimeoutExpired:
            return f"{file.name}: beyond {LIMIT} s: {' '.join(arguments)}"
        lines = [line for line in done.stderr.splitlines() if line.strip() and "warning" not in line]
        bad = done.returncode < 0 or any(sign in done.stderr for sign in SIGNS)
        if arguments[0] != "elf":
            bad = bad or done.returncode not in (0, 1, 2, 3)
            bad = bad or (done.returncode == 1 and mutate in (fuzz_graphs.external, fuzz_graphs.shapes))
            bad = bad or (done.returncode == 1 and arguments[0] != "run")
            bad = bad or (done.returncode == 2 and len(lines) != 1)
        if bad:
            return f"{file.name}: status {done.returncode}: {' '.join(arguments)}\n    " + "\n    ".join(lines[:6])
        file.unlink()
        shutil.rmtree(file.with_suffix(".priced"), ignore_errors=True)
        for rest in self.work.glob(f"{number:05d}-*.out"):
            if done.returncode == 2:
                return f"{file.name}: status 2, and {rest.name} was written"
            shutil.rmtree(rest)
        return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build-asan")
    parser.add_argument("--mutations", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0, help="number of the first one")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="inputs whose names begin so")
    arguments = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="etude-fuzz-"))
    fuzzer = Fuzzer(arguments.build.resolve(), work)
    fuzzer.cases = [case for case in fuzzer.cases if case[0].startswith(arguments.only)]
    numbers = range(arguments.first, arguments.first + arguments.mutations)
    with ThreadPoolExecutor(arguments.jobs) as pool:
        complaints = [c for c in pool.map(lambda n: fuzzer.one(n, arguments.seed), numbers) if c]
    for complaint in complaints:
        print(complaint)
    print(f"{len(numbers)} damaged files, {len(complaints)} defects" + (f"; files in {work}" if complaints else ""))
    if not complaints:
        shutil.rmtree(work)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
