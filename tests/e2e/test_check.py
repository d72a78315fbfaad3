# SPDX-License-Identifier: Apache-2.0
"""`--check`: each defect is found with its kind, place and both sides, right programs are clean, cycles stay."""

import csv
import json
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support import BUILD, ROOT, run, shared

FLAGS = ["--target=riscv32", "-march=rv32imc_zfinx_zhinx_zicsr_zifencei", "-mabi=ilp32", "-mno-relax", "-O2", "-g"]
FLAGS += ["-ffreestanding", "-fno-builtin", "-fomit-frame-pointer", "-fno-pic", "-nostdlib", "-static"]
FLAGS += ["-fuse-ld=lld-19", "-Wl,--no-relax", f"-I{ROOT}", f"-T{ROOT}/tests/data/check/link.ld"]

# Of each program: what must be found (kind, severity, object, functions of the parties); nothing else may be.
RACE, NOTE = ("race", "error"), ("race", "note")
OWN = {
    "clean_parallel_loop": [],
    "missing_barrier": [(*RACE, "shared_words", ["fill", "sum_all"])],
    "early_copy_out": [(*RACE, "shared_words", ["fill", "start"])],
    "wrong_copy_waited": [(*RACE, "scratch+4092", ["read_word", "start"])],
    "buffer_reused_early": [(*RACE, "scratch+0", ["write_words", "start"])],
    "clean_double_buffer": [],
    "idma_clean": [],
    "idma_too_early": [(*RACE, "scratch+800", ["read_word", "start"])],
    "job_reads_undefined": [("uninit", "error", "undefined_w+0", ["start"])],
    "job_result_early": [(*RACE, "z+0", ["read_word", "start"])],
    "job_result_stored_wide": [("bounds", "error", "z+512", ["start"])],
    "clean_rows": [],
    "stack_overflow": [("stack", "error", "stacks", ["recurse"])],
    "lost_event": [
        ("lost", "error", "event 1 of core1", ["start", "start"]),
        ("deadlock", "error", "barrier 0 mask 0xff status 0xfd", ["start"]),
    ],
    "mutex_deadlock": [("deadlock", "error", "mutex", ["start"])],
    "clean_mutex": [],
    "clean_flag": [],
    "flag_by_hand": [(*NOTE, "undeclared+0", ["start"]), (*NOTE, "shared_words+4", ["start", "read_word"])],
    "buffer_overrun": [("bounds", "error", "scratch+60", ["write_words"])],
    "buffer_freed_twice": [("freed", "error", "scratch+0", ["give_back"])],
    "buffer_used_after": [("freed", "error", "scratch+48", ["read_word", "give_back"])],
    "buffer_given_again": [("freed", "error", "scratch+48", ["read_word", "give_back"])],
    "l2_race": [(*RACE, "target+32", ["write_words", "write_words"])],
    "l2_undefined": [("uninit", "error", "l2_late+8", ["read_word"])],
    "clean_self_trigger": [],
    "copy_left_half": [("dma", "error", "MCHAN CMD", ["start"])],
    "misaligned_half": [("misaligned", "warning", "shared_words+3", ["start"])],
    "copy_past_buffer": [("bounds", "error", "scratch+64", ["start"])],
    "copy_of_nothing": [("dma", "error", "MCHAN CMD", ["start"])],
    "freed_in_flight": [(*RACE, "scratch+0", ["start", "give_back"])],
    "freed_under_job": [(*RACE, "scratch+0", ["start", "give_back"])],
    "freed_under_reader": [(*RACE, "scratch+0", ["read_word", "give_back"])],
    "ids_never_freed": [("dma", "error", "MCHAN CMD", ["start"])],
    "store_far_behind": [("bounds", "error", "0x10018000", ["write_words"])],
    "store_before": [("bounds", "error", "0x1000fffc", ["write_words"])],
    "store_far_in_l2": [("bounds", "error", "0x1c080000", ["write_words"])],
    "store_to_constant": [("bounds", "error", "0x1c00", ["write_words"])],
    "clean_status_polled": [],
    "clean_own_bit_polled": [],
    "status_not_looked_at": [(*RACE, "shared_words+0", ["read_word", "write_words"])],
    "clean_interrupt": [],
    "interrupt_of_another": [(*RACE, "shared_words+0", ["write_words", "handle"])],
    "clean_barrier_interrupt": [],
    "spins_for_ever": [("livelock", "warning", "every core", ["start"])],
    "barrier_never_set": [("deadlock", "error", "barrier 3 mask 0x0", ["start"])],
}
ASLEEP = {"lost_event", "mutex_deadlock", "barrier_never_set", "spins_for_ever"}


def findings(elf: Path, *options, status: int | None = None) -> list[dict]:
    found = elf.with_suffix(".json")
    run("elf", elf, "--quiet", f"--check={found}", *options, check=status)
    return json.loads(found.read_text())["findings"]


def functions(finding: dict) -> list[str]:
    """Those that hold the code, whatever was inlined into them."""
    return [party["at"].split(" in ")[-1].split(" ")[0] for party in finding["parties"]]


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    source = ROOT / "tests/data/check/programs.c"

    def build(name: str) -> None:
        subprocess.run(["clang-19", *FLAGS, f"-DCASE={name}", source, "-o", folder / f"{name}.elf"], check=True)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(build, OWN))
    return folder


@pytest.mark.parametrize("name", OWN)
def test_own_program(own, name):
    options = ["--set", "/platform/cluster/corev_cluster=true", "--max-cycles", "1000000"]
    if name.startswith("idma"):
        options += ["--set", "/platform/cluster/dma/engine=idma"]
    wanted = OWN[name]
    bad = name in ASLEEP or any(severity == "error" for _, severity, _, _ in wanted)
    found = findings(own / f"{name}.elf", *options, status=3 if bad else 0)
    for kind, severity, where, parties in wanted:
        assert any(
            f["kind"] == kind
            and f["severity"] == severity
            and f["where"].startswith(where)
            and set(parties) <= set(functions(f))
            for f in found
        ), (where, found)
    allowed = {(kind, severity) for kind, severity, _, _ in wanted}
    assert {(f["kind"], f["severity"]) for f in found} <= allowed, found


def test_function_and_line_belong_together_where_helpers_are_inlined(own):
    options = ["--set", "/platform/cluster/corev_cluster=true"]
    (finding,) = findings(own / "early_copy_out.elf", *options, status=3)
    at = next(p["at"] for p in finding["parties"] if p["unit"] == "dma").split(" in ")
    assert [place.split(" ")[0] for place in at] == ["etude_write", "put", "copy", "program", "start"]
    for place in at:
        _, file, line = re.fullmatch(r"(\w+) \((.*):(\d+)\)", place).groups()
        source = next(f for f in (ROOT / "tests/data/check", ROOT / "kernels/runtime") if (f / file).exists()) / file
        text = source.read_text().split("\n")[int(line) - 1]
        assert {"cluster.h": True, "runtime.h": True}.get(file, "copy(0, shared_words, target" in text), (place, text)


def test_a_run_that_is_cut_off_says_what_each_core_waits_for(own):
    options = ["--set", "/platform/cluster/corev_cluster=true", "--max-cycles", "20000"]
    (finding,) = findings(own / "spins_for_ever.elf", *options, status=3)
    told = {p["unit"]: (p["access"], p.get("detail", "")) for p in finding["parties"]}
    assert told.pop("core0") == ("spins", "waits for flag+0") and told.pop("core3") == ("spins", "")
    assert set(told.values()) == {("wait", "waits at barrier 0")} and len(told) == 6


# Programs of one's own, with the start-up that is installed: hart 0 of two waits or sends, as K says.
WAITS = """
#include "kernels/include/etude_cluster.h"
volatile uint32_t f, d, lock;
__attribute__((noinline)) uint32_t get(const volatile uint32_t* p) { return *p; }
__attribute__((noinline)) uint32_t recurse(uint32_t n, volatile uint32_t* up) {
  volatile uint32_t v[60];
  v[0] = n + *up;
  if (n) v[59] = recurse(n - 1, v);
  return v[0] + v[n ? 59 : 0];
}
const uint32_t constants[64] = {1};
uint32_t words[64];
int program(uint32_t hart) {
  if (K < 5 && hart == 1) {
    d = 3;
    for (volatile int i = 0; i < 20; i++) {
    }
    f = 1; /* with K == 4 nobody waits for it: a loop has read it */
  } else if (K == 0) {
    while (!get(&f)) {
    }
  } else if (K == 1) {
    for (;;) {
      if (f) break;
      for (volatile int i = 0; i < 5; i++) {
      }
    }
  } else if (K == 2) {
    while ((f & 1) == 0) {
      for (volatile int i = 0; i < 3; i++) {
      }
    }
  } else if (K == 3) {
    for (uint32_t n = 0; !f && n < 100000; n++) {
    }
  } else if (K == 4) {
    uint32_t sum = 0;
    for (volatile int i = 0; i < 30; i++) sum += get(&f);
    words[1] = sum;
  } else if (K == 5) {
    if (hart == 1) words[0] = recurse(9, words);
  } else if (K == 6) {
    if (hart == 0) {
      *(volatile uint32_t*)0x1003FFFCu = *(volatile uint32_t*)0x10004000u = *(volatile uint32_t*)0x1C100000u = 1;
    }
  } else if (K == 7) {
    if (hart == 0) etude_dma_wait(etude_dma_out(words, (void*)constants, 64));
  } else if (K == 8) {
    if (hart == 0) {
      for (volatile int i = 0; i < 100; i++) {
      }
      etude_send_event(2, 2);
      __asm__ volatile(".rept " GAP "; nop; .endr");
      etude_send_event(2, 2);
    } else {
      etude_wait_events(4);
      etude_wait_events(4);
    }
  } else if (K == 9) {
    while (hart == 0 && !get(&f)) d++;
  } else if (K == 10) {
    if (hart == 0) {
      lock = 1;
      while (*(volatile uint32_t*)((uintptr_t)&lock + 0x00100000u)) {
      }
    }
  }
  if (K < 4 && hart == 0) words[0] = d;
  return 0;
}
"""


def build_own(folder: Path, case: int, level: str = "-O2", gap: int = 0) -> Path:
    source, elf = folder / "own.c", folder / f"own{case}{level}{gap}.elf"
    source.write_text(WAITS)
    flags = [flag for flag in FLAGS if not flag.startswith("-T") and flag != "-O2"]
    flags += [level, "-DETUDE_HARTS=2", f"-DK={case}", f'-DGAP="{gap}"', f"-T{ROOT}/kernels/program/link.ld"]
    subprocess.run(["clang-19", *flags, ROOT / "kernels/program/start.c", source, "-o", elf], check=True)
    return elf


@pytest.mark.parametrize("level", ["-O0", "-O2"])
@pytest.mark.parametrize("case", range(5))
def test_a_wait_for_a_plain_word_is_a_note_whatever_the_loop_looks_like(tmp_path, case, level):
    found = findings(build_own(tmp_path, case, level), status=3 if case == 4 else 0)
    races = {(f["where"], f["severity"]) for f in found}
    assert {f["kind"] for f in found} == {"race"}
    assert races == ({("f+0", "error")} if case == 4 else {("f+0", "note"), ("d+0", "note")})


def test_stacks_of_own_programs_are_watched(tmp_path):
    elf = build_own(tmp_path, 5)
    done = run("elf", elf, "--quiet", "--check", check=3).stderr
    assert "error: stack: " in done and "which has 2048" in done
    assert int(re.search(r"core1 (\d+) of 2048", done)[1]) > 2048
    where = [f["where"] for f in findings(build_own(tmp_path, 6), status=3) if f["kind"] == "bounds"]
    assert sorted(where) == ["0x10004000", "0x1003fffc", "0x1c100000"]


def test_a_transfer_to_a_constant_is_out_of_bounds(tmp_path):
    found = findings(build_own(tmp_path, 7), status=3)
    assert [(f["kind"], f["where"][:6], f["text"]) for f in found] == [("bounds", "0x1c00", "the section is read-only")]


@pytest.mark.parametrize("gap", [0, 1, 6])
def test_an_event_sent_while_the_sleeper_is_woken_is_lost(tmp_path, gap):
    elf = build_own(tmp_path, 8, gap=gap)
    if gap == 6:
        assert findings(elf, status=0) == []
        return
    (lost,) = [f for f in findings(elf, status=3) if f["kind"] != "deadlock"]
    assert (lost["kind"], lost["where"]) == ("lost", "event 2 of core1")
    assert [p["access"] for p in lost["parties"]] == ["trigger", "wait"]


@pytest.mark.parametrize("case, word", [(9, "f+0"), (10, "lock+0")])
def test_a_livelock_names_the_word_and_no_core_without_use(tmp_path, case, word):
    (found,) = findings(build_own(tmp_path, case), "--max-cycles", "20000", status=3)
    told = {p["unit"]: (p["access"], p.get("detail", "")) for p in found["parties"]}
    assert told == {"core0": ("spins", f"waits for {word}"), "core1": ("wait", "waits at barrier 0")}


def test_what_was_found_is_told_though_its_file_cannot_be_finished(tmp_path):
    done = run("elf", build_own(tmp_path, 5), "--quiet", "--check=/dev/full", check=1).stderr
    assert "error: stack: " in done and "/dev/full: cannot be written" in done


@pytest.mark.parametrize("option, first", [("--max-cycles=0", 1), ("--max-cycles=-1", 1), ("--insn-core=-1", 0)])
def test_a_number_out_of_range_is_refused_in_a_line(tmp_path, option, first):
    name, text = option.split("=")
    done = run("elf", "x.elf", f"--insn={tmp_path}/log", option, check=2).stderr
    assert f"{name}: is {text}; give a whole number from {first} on" in done and len(done) < 120


def cases() -> list[dict]:
    table = ROOT.parent / "shared/cases/check/README.csv"
    return list(csv.DictReader(table.open())) if table.exists() else []


def build_cases(folder: Path, rows: list[dict]) -> Path:
    """The handed programs of `rows`, as ELFs in `folder`."""
    source = shared("cases/check")
    flags = [f for f in FLAGS if not f.startswith("-T") and not f.startswith("-I")]
    flags += ["-fno-jump-tables", "-fno-unroll-loops", "-fno-vectorize", "-ffp-contract=off", "-Wno-unused-parameter"]
    flags += [f"-T{source}/chk.ld", f"-I{source}"]

    def build(row: dict) -> None:
        name = row["file"].removesuffix(".c")
        files = [source / f"{name}.c", source / "start.c"]
        command = ["clang-19", *flags, f"-DCORES={row['cores']}", *files, "-o", folder / f"{name}.elf"]
        subprocess.run(command, check=True)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(build, rows))
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    return build_cases(tmp_path_factory.mktemp("cases"), cases())


def line_of(source: Path, label: str) -> set[int]:
    """Lines of the accesses that are called `label`."""
    text = source.read_text().split("\n")
    return {i + 1 for i, line in enumerate(text) if re.search(rf"\b(ST|STB|LD|HERE)\({label}\b", line)}


@pytest.mark.parametrize("row", cases(), ids=lambda row: row["file"])
def test_handed_program(built, row):
    name = row["file"].removesuffix(".c")
    found = findings(built / f"{name}.elf", "--set", f"/platform/cluster/cores={row['cores']}")
    errors = [f for f in found if f["severity"] == "error"]
    if not row["kind"] or row["verdict"].endswith("clean") or "miss" in row["verdict"]:
        assert errors == []
        return
    of_kind = [f for f in found if f["kind"] == row["kind"] and f["severity"] == row["severity"]]
    assert of_kind, found
    assert {f["kind"] for f in errors} <= {row["kind"]}
    assert len(found) <= 3
    for place in re.findall(r"\b(?:word|counter|flag|[a-z0-9]+\+\d+)\b", row["where"].split(" = ")[0]):
        assert any(re.split(r"[+]0$", f["where"])[0] == place for f in of_kind), (place, found)
    source = shared("cases/check") / row["file"]
    told = {int(n) for f in of_kind for p in f["parties"] for n in re.findall(r":(\d+)\)", p["at"])}
    for label in re.findall(r"\b[a-z]\d?_?[rw]?\b", row["parties"]):
        lines = line_of(source, label)
        assert not lines or lines & told, (label, found)
    units = {p["unit"] for f in of_kind for p in f["parties"]}
    for unit in re.findall(r"\bcore\d\b", row["parties"].replace("posted by core0", "")):
        assert unit in units, found
    for engine in ("dma", "redmule"):
        assert (f"{engine}0" in row["parties"]) == (engine in units), found


def test_a_deadlock_names_barrier_and_cores(built):
    (finding,) = findings(built / "26_barrier_deadlock.elf", "--set", "/platform/cluster/cores=4", status=3)
    assert finding["where"] == "barrier 1 mask 0xf status 0x7"
    assert [(p["unit"], p["access"]) for p in finding["parties"]] == [
        *((f"core{h}", "wait") for h in range(3)),
        ("core3", "missing"),
    ]


def test_cores_that_are_not_used_are_no_deadlock(built):
    assert [f["where"] for f in findings(built / "26_barrier_deadlock.elf", status=3)] == [
        "barrier 1 mask 0xf status 0x7"
    ]


@pytest.mark.parametrize("engine", ["fast", "lockstep"])
def test_cycles_are_the_same(engine):
    elf = BUILD / "kernels/operator_sizes.elf"
    plain = json.loads(run("elf", elf, "--json", "--engine", engine, check=0).stdout)
    checked = json.loads(run("elf", elf, "--json", "--engine", engine, "--check", check=0).stdout)
    for report in (plain, checked):
        report.pop("mcycles_per_s")
    assert plain == checked


@pytest.mark.parametrize("name", ["gemm_bench", "gemm_fp16_plain", "operator_sizes", "operator_hashes"])
def test_kernels_are_clean(name):
    assert "check: 0 errors" in run("elf", BUILD / f"kernels/{name}.elf", "--quiet", "--check", check=0).stderr


@pytest.mark.parametrize("engine", ["mchan", "idma"])
def test_a_training_step_is_clean_and_takes_the_same_cycles(tmp_path, engine):
    options = ["configs/deep_ae.json", "--quiet", "--no-verify", "--set", f"/platform/cluster/dma/engine={engine}"]
    results = []
    for name, more in (("plain", []), ("checked", ["--check"])):
        told = run("run", *options, "--out", tmp_path / name, *more, check=0).stderr
        results.append(json.loads((tmp_path / name / "result.json").read_text())["step"])
    assert "check: 0 errors, 0 warnings, 0 notes" in told
    assert results[0] == results[1]


# What a defect of the runtime or of a kernel is found as: source, what is replaced by what, findings of some kind
# with a part of their text or place.
BROKEN = [
    # The interpreter does not wait for what a transfer brings.
    ("runtime/interpreter.c", "etude_dma_wait(&run->dma, ETUDE_DMA_OPERATION, count);", ";", "race", "dma"),
    # Kernels follow each other without a barrier.
    ("runtime/start.c", "workers);\n    etude_barrier();", "workers);", "race", "core"),
    # A kernel writes one element too many.
    (
        "lib/elementwise/elementwise.c",
        "n &= 3;\n    }\n#endif\n    for (; n; n--) {\n      *w = __builtin_fmaf(-lr",
        "n = (n & 3) + 1;\n    }\n#endif\n    for (; n; n--) {\n      *w = __builtin_fmaf(-lr",
        "bounds",
        "not declared by",
    ),
]


@pytest.mark.parametrize("source, old, new, kind, told", BROKEN, ids=[b[0] for b in BROKEN])
def test_a_broken_runtime_is_found(tmp_path, source, old, new, kind, told):
    text = (ROOT / "kernels" / source).read_text()
    assert text.count(old) == 1
    broken, object_file = tmp_path / Path(source).name, tmp_path / "broken.o"
    broken.write_text(text.replace(old, new))
    lists = (ROOT / "kernels/CMakeLists.txt").read_text()
    march = re.search(r"-march=(\S+)", lists)[1]
    flags = ["--target=riscv32", f"-march={march}", "-mabi=ilp32", "-mno-relax", "-O2", "-std=c11", "-ffreestanding"]
    flags += ["-fno-builtin", "-fno-math-errno", "-ffp-contract=off", "-ffunction-sections", f"-I{ROOT}", "-w"]
    subprocess.run(
        ["clang-19", *flags, f"-I{(ROOT / 'kernels' / source).parent}", "-c", broken, "-o", object_file], check=True
    )
    replaced = source.replace("/", "_") + ".o"
    others = [o for o in sorted((BUILD / "kernels/objects/runtime").glob("*.o")) if o.name != replaced]
    (tmp_path / "kernels").mkdir()
    script = ROOT / "kernels/runtime/link.ld"
    subprocess.run(
        ["ld.lld-19", "--gc-sections", "--no-relax", "-T", script, *others, object_file]
        + ["-o", tmp_path / "kernels/runtime.elf"],
        check=True,
    )
    found = tmp_path / "found.json"
    run(
        *["run", "configs/deep_ae.json", "--quiet", "--no-verify", "--out", tmp_path / "out", f"--check={found}"],
        env={**os.environ, "ETUDE_KERNELS": str(tmp_path / "kernels")},
        check=3,
    )
    errors = [f for f in json.loads(found.read_text())["findings"] if f["severity"] == "error" and f["kind"] == kind]
    assert any(told in json.dumps(f) for f in errors), errors


def test_a_file_that_cannot_be_written_is_refused(tmp_path):
    done = run("elf", BUILD / "kernels/operator_sizes.elf", f"--check={tmp_path}/no/file.json", check=2)
    assert "cannot be written" in done.stderr
