# SPDX-License-Identifier: Apache-2.0
"""Builds the firmware of an integer model and runs it on a modelled RV32 core or on an ATmega328P in simavr."""

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .models import Model, classes, features, layers, parameter_bytes

ROOT = Path(__file__).resolve().parents[2]
SOURCES = Path(__file__).resolve().parent / "firmware"
FLASH, SRAM = 32768, 2048  # bytes of the ATmega328P
AVR_CODE = 6144  # bytes of flash that are kept for code when samples are dealt to firmwares
MHZ = 16
AVR_FLAGS = ["-mmcu=atmega328p", f"-DF_CPU={MHZ}000000UL", "-O2", "-std=gnu11", "-Wall", "-Wextra", "-Werror"]
RV32_FLAGS = ["--target=riscv32", "-mabi=ilp32", "-O2", "-g", "-ffreestanding", "-ffp-contract=off"]
RV32_FLAGS += ["-Wall", "-Wextra", "-Werror"]
RV32_LINK = ["-nostdlib", "-static", "-fuse-ld=lld-19", "-Wl,--no-relax"]
RV32_ISA = {"rv32": "rv32imc_zfinx_zhinx_zicsr_zifencei"}
RV32_ISA["rv32-simd"] = RV32_ISA["rv32"] + "_xcvmem_xcvsimd"
TARGETS = ("rv32", "rv32-simd", "avr")


class ToolError(RuntimeError):
    """A tool is missing, or a firmware cannot be built or does not end as it should."""


class DoesNotFit(ToolError):
    """A firmware is larger than an ATmega328P."""


@dataclass(frozen=True)
class Run:
    """What a target did with each of N samples, and what it needs."""

    classes: np.ndarray  # [N]
    scores: np.ndarray  # [N, classes], the 32 bits of each
    cycles: np.ndarray  # [N]
    code: int  # bytes of code, without parameters and without what prints and measures
    parameters: int  # bytes
    variables: int  # bytes of RAM between and for results
    stack: int  # bytes, measured; the sample itself is not in it


def missing_tools(target: str) -> list[str]:
    """The programs that a target needs and this machine does not have."""
    tools = ("avr-gcc", "avr-size", "simavr") if target == "avr" else ("clang-19", "ld.lld-19", "llvm-size-19")
    return [tool for tool in tools if shutil.which(tool) is None]


def call(command: list, seconds: float = 300, folder: Path | None = None) -> str:
    """What a command prints on both of its streams. Errors: ToolError."""
    try:
        done = subprocess.run(
            [str(c) for c in command], capture_output=True, text=True, timeout=seconds, cwd=folder, errors="replace"
        )
    except FileNotFoundError:
        raise ToolError(f"{command[0]} is missing: scripts/setup.sh --tests installs it") from None
    except subprocess.TimeoutExpired:
        raise ToolError(f"{command[0]} did not end within {seconds} s") from None
    if done.returncode != 0:
        raise ToolError(f"{command[0]} ended with status {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout + done.stderr


def numbers(values: np.ndarray) -> str:
    if values.ndim > 1:
        return "{" + ",\n".join(numbers(row) for row in values) + "}"
    if values.dtype.kind == "f":
        return "{" + ",".join(f"{float(v).hex()}f" for v in values) + "}"
    return "{" + ",".join(str(int(v)) for v in values) + "}"


def table(name: str, kind: str, values: np.ndarray) -> str:
    return f"static const {kind} {name}[] PARAMETER = {numbers(values.ravel())};\n"


def layer_list(name: str, model: Model, hidden: Callable[[int], str]) -> str:
    """The macro that names all layers of a perceptron; `hidden` adds arguments of hidden layers."""
    last = layers(model) - 1
    rows = [f"#define {name}(HIDDEN, LAST)"]
    for i in range(last):
        out, fan_in = model[f"w{i}"].shape
        rows.append(f"  HIDDEN(w{i}, b{i}, {fan_in}, {out}{hidden(i)})")
    rows.append(f"  LAST(w{last}, b{last}, {model[f'w{last}'].shape[1]})")
    return " \\\n".join(rows) + "\n"


def model_header(model: Model) -> str:
    """model.h of a model."""
    kind = str(model["kind"])
    text = f"#define FEATURES {features(model)}\n#define CLASSES {classes(model)}\n"
    text += f"typedef {'float' if kind == 'mlp_float' else 'int32_t'} score_t;\n"
    if kind in ("mlp", "tree"):
        text += f"#define ACC_BITS {int(model['acc_bits'])}\ntypedef int{int(model['acc_bits'])}_t acc_t;\n"
    if kind == "knn":
        text += f"#define POINTS {len(model['points'])}\n"
        return text + table("points", "int8_t", model["points"]) + table("labels", "uint8_t", model["labels"])
    if kind == "tree":
        nodes, _, width = model["W"].shape
        text += f"#define WIDTH {width}\n#define DEPTH {nodes.bit_length() - 1}\n"
        text += "".join(f"#define {n.upper()} {int(model[n])}\n" for n in ("z_shift", "z_limit", "v_shift", "t_limit"))
        text += table("Z", "int8_t", model["Z"]) + table("bz", "acc_t", model["bz"])
        text += table("W", "int8_t", model["W"]) + table("V", "int8_t", model["V"])
        return text + (table("theta", "int8_t", model["theta"]) if nodes > 1 else "")
    widths = [model[f"w{i}"].shape[0] for i in range(layers(model) - 1)]
    if kind == "mlp_float":
        text += f"#define UNIT {float(np.float32(model['unit'])).hex()}f\n"
        text += f"#define WIDEST {max([features(model), *widths])}\n" + layer_list("FLOAT_LIST", model, lambda i: "")
    else:
        text += f"#define WIDEST {max([1, *widths])}\n"
        text += layer_list("LAYER_LIST", model, lambda i: f", {int(model['shift'][i])}, {int(model['limit'][i])}")
    of = ("float", "float") if kind == "mlp_float" else ("int8_t", "acc_t")
    for i in range(layers(model)):
        text += table(f"w{i}", of[0], model[f"w{i}"]) + table(f"b{i}", of[1], model[f"b{i}"])
    return text


def samples_header(x: np.ndarray) -> str:
    text = f"#define SAMPLES {len(x)}\n"
    return text + f"static const int8_t samples[SAMPLES][FEATURES] PARAMETER = {numbers(x)};\n"


def sizes(tool: str, file: Path) -> dict[str, int]:
    """Bytes of each section of an object or ELF file."""
    rows = re.findall(r"^(\.\S+)\s+(\d+)\s+\d+$", call([tool, "-A", file]), re.M)
    found: dict[str, int] = {}
    for name, size in rows:  # a name may come more than once
        found[name] = found.get(name, 0) + int(size)
    return found


def total(of: dict[str, int], *starts: str) -> int:
    return sum(size for name, size in of.items() if name.startswith(starts))


def read_output(text: str, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Classes, bits of scores, cycles and bytes of stack of the lines that a firmware prints."""
    rows = re.findall(r"(\d+) (\d+)((?: [0-9a-f]{8})+)", text)
    stack = re.search(r"stack (\d+)", text)
    if stack is None or any(len(row[2]) != 9 * classes for row in rows):
        raise ToolError(f"the firmware's output ends early: {text[-200:]!r}")
    bits = np.array([[int(word, 16) for word in row[2].split()] for row in rows], np.uint32)
    return np.array([int(r[0]) for r in rows]), bits, np.array([int(r[1]) for r in rows]), int(stack[1])


def check_fits(used: dict[str, int]) -> None:
    """Errors: DoesNotFit if sections take more than there is."""
    flash, sram = total(used, ".text", ".progmem", ".data"), total(used, ".data", ".bss", ".noinit")
    if flash > FLASH or sram > SRAM:
        raise DoesNotFit(f"{flash} B of flash and {sram} B of variables; an ATmega328P has {FLASH} and {SRAM}")


def simavr(elf: Path) -> str:
    """What an ATmega328P at 16 MHz prints on its serial port. Errors: ToolError."""
    check_fits(sizes("avr-size", elf))
    printed = call(["simavr", "-m", "atmega328p", "-f", f"{MHZ}000000", elf])
    return re.sub(r"\x1b\[\d*m", "", printed)  # colours


def run_avr(model: Model, x: np.ndarray, folder: Path) -> Run:
    """Runs samples x [N, features] in as many firmwares as the flash asks for."""
    if parameter_bytes(model) > FLASH:
        raise DoesNotFit(f"{parameter_bytes(model)} B of parameters; an ATmega328P has {FLASH} B of flash")
    (folder / "model.h").write_text(model_header(model))
    call(
        ["avr-gcc", *AVR_FLAGS, f"-I{folder}", f"-I{SOURCES}", "-c", SOURCES / "predict.c", "-o", folder / "predict.o"]
    )
    lone = sizes("avr-size", folder / "predict.o")
    check_fits(lone)
    at_a_time = max(1, (FLASH - AVR_CODE - parameter_bytes(model)) // x.shape[1])
    parts = []
    for begin in range(0, len(x), at_a_time):
        (folder / "samples.h").write_text(samples_header(x[begin : begin + at_a_time]))
        elf = folder / "avr.elf"
        include = [f"-I{folder}", f"-I{SOURCES}"]
        call(["avr-gcc", *AVR_FLAGS, *include, SOURCES / "avr.c", folder / "predict.o", "-o", elf])
        parts.append(read_output(simavr(elf), classes(model)))
        if len(parts[-1][0]) != len(x[begin : begin + at_a_time]):
            raise ToolError("simavr ended before all samples were predicted")
    joined = [np.concatenate([part[i] for part in parts]) for i in range(3)]
    return finished(
        model, joined, total(lone, ".text", ".progmem", ".rodata"), total(lone, ".data", ".bss"), parts[0][3]
    )


def run_rv32(model: Model, x: np.ndarray, folder: Path, target: str, sim: Path, profile: Path | None = None) -> Run:
    """Runs samples x [N, features] on hart 0 of the default cluster; a profile is written into `profile`."""
    (folder / "model.h").write_text(model_header(model))
    (folder / "samples.h").write_text(samples_header(x))
    flags = [*RV32_FLAGS, f"-march={RV32_ISA[target]}", f"-I{folder}", f"-I{SOURCES}", f"-I{ROOT}"]
    flags += ["-DSMALL_SIMD"] if target == "rv32-simd" else []
    lone, elf, program = folder / "predict.o", folder / "rv32.elf", ROOT / "kernels/program"
    call(["clang-19", *flags, "-c", SOURCES / "predict.c", "-o", lone])
    sources = [program / "start.c", SOURCES / "rv32.c", lone]
    call(["clang-19", *flags, *RV32_LINK, "-T", program / "link.ld", *sources, "-o", elf])
    of = sizes("llvm-size-19", lone)
    printed = call([sim, "elf", elf, "--quiet", *(["--profile", profile] if profile else [])])
    *joined, stack = read_output(printed, classes(model))
    code = total(of, ".text", ".rodata", ".data.parameters")
    return finished(model, joined, code, total(of, ".bss", ".sbss"), stack)


def finished(model: Model, joined: list[np.ndarray], flash: int, variables: int, stack: int) -> Run:
    parameters = parameter_bytes(model)
    variables += 4 * classes(model)  # the scores
    return Run(*joined, flash - parameters, parameters, variables, stack)


def run(model: Model, x: np.ndarray, target: str, folder: Path, sim: Path, profile: Path | None = None) -> Run:
    """Runs samples on a target of TARGETS, in an existing folder for files in between. Errors: ToolError."""
    if missing := missing_tools(target):
        raise ToolError(f"{', '.join(missing)} missing: scripts/setup.sh --tests installs them")
    if target == "avr":
        return run_avr(model, x, folder)
    return run_rv32(model, x, folder, target, sim, profile)


def score_bits(scores: np.ndarray) -> np.ndarray:
    """The 32 bits of each score that the host computes."""
    return scores.view(np.uint32) if scores.dtype == np.float32 else (scores & 0xFFFFFFFF).astype(np.uint32)
