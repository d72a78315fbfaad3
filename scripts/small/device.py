# SPDX-License-Identifier: Apache-2.0
"""The ATmega328P as a cost table (configs/devices/atmega328p.json), from cycles measured in simavr."""

import re
from pathlib import Path

from .firmware import AVR_FLAGS, MHZ, SOURCES, SRAM, ToolError, call, simavr

VOLTS = 5.0
# "ATmega48A/PA/88A/PA/168A/PA/328/P", Atmel-8271H, 08/2014, section 29.2.8, table 29-12: active, 8 MHz, 5 V, typical.
AMPERES, AMPERES_HZ = 5.2e-3, 8e6
JOULES_PER_CYCLE = AMPERES * VOLTS / AMPERES_HZ
DATASHEET = "ATmega328P datasheet Atmel-8271H, section 29.2.8, table 29-12: typically 5.2 mA at 8 MHz and 5 V"
# 23LC1024, Microchip DS20005142C, table 1-1, D008: reads, 20 MHz, 5.5 V, typical.
SERIAL_AMPERES = 3e-3
SERIAL = "23LC1024 datasheet DS20005142C, table 1-1, D008: typically 3 mA at 20 MHz and 5.5 V"
BYTE_CYCLES = 16 + 4  # eight bits at half the core's clock, and code between two bytes
COMMAND_BYTES = 4  # instruction and 24 bits of address
NOPS = 100


def measured(folder: Path) -> dict[str, float]:
    """Cycles of each operation of firmware/costs.c, by name. Errors: ToolError, also where the timer is wrong."""
    (folder / "model.h").write_text("#define ACC_BITS 16\ntypedef int16_t acc_t;\ntypedef int32_t score_t;\n")
    elf = folder / "costs.elf"
    call(["avr-gcc", *AVR_FLAGS, f"-I{folder}", f"-I{SOURCES}", SOURCES / "costs.c", "-o", elf, "-lm"])
    rows = {name: (int(c), int(n)) for name, c, n in re.findall(r"(\w+) (\d+) (\d+)\.", simavr(elf))}
    if "float_sqrtf" not in rows:
        raise ToolError("the firmware of costs ended early")
    if rows["nops"][0] - rows["nothing"][0] != NOPS:
        raise ToolError(f"{NOPS} instructions of a cycle took {rows['nops'][0] - rows['nothing'][0]}")
    return {name: cycles / n for name, (cycles, n) in rows.items() if name not in ("nothing", "nops")}


def figure(value: float, unit: str, status: str, source: str) -> dict:
    return {"value": value, "unit": unit, "status": status, "source": source}


def device_table(cycles: dict[str, float]) -> dict:
    """The cost table of docs/devices.md. cycles: of measured()."""
    hertz = MHZ * 1e6
    flop_per_s = 2 * hertz / cycles["float_mac"]
    watts = JOULES_PER_CYCLE * hertz
    byte_s = BYTE_CYCLES / hertz
    spi = (
        f"a 23LC1024 (128 KiB of serial SRAM) by SPI at half of {MHZ} MHz: {BYTE_CYCLES} cycles a byte, of which 4 are "
        "code between two bytes"
    )
    page_w = watts + SERIAL_AMPERES * VOLTS
    others = ", ".join(f"{name} {value:.1f}" for name, value in cycles.items())
    return {
        "name": "ATmega328P (AVR, 16 MHz, 5 V)",
        "flop_per_s": figure(
            flop_per_s,
            "FLOP/s",
            "measured",
            f"simavr, avr-gcc -O2: a float multiply-accumulate takes {cycles['float_mac']:.1f} cycles; "
            "made by scripts/small_models.py device",
        ),
        "flop_per_j": figure(
            flop_per_s / watts,
            "FLOP/J",
            "derived",
            f"those cycles at {JOULES_PER_CYCLE * 1e9:.2f} nJ each; {DATASHEET}",
        ),
        "compute_w": figure(watts, "W", "derived", f"{DATASHEET}; taken as proportional to the clock, at {MHZ} MHz"),
        "page_in_latency_s": figure(
            COMMAND_BYTES * byte_s, "s", "assumed", f"{COMMAND_BYTES} bytes of command to {spi}"
        ),
        "page_in_bytes_per_s": figure(hertz / BYTE_CYCLES, "B/s", "assumed", spi),
        "page_out_latency_s": figure(
            COMMAND_BYTES * byte_s, "s", "assumed", f"{COMMAND_BYTES} bytes of command to {spi}"
        ),
        "page_out_bytes_per_s": figure(hertz / BYTE_CYCLES, "B/s", "assumed", spi),
        "page_w": figure(page_w, "W", "derived", f"the core, which moves each byte, and {SERIAL}, for both directions"),
        "memory_bytes": figure(SRAM, "B", "published", "ATmega328P datasheet Atmel-8271H, section 8.3: SRAM"),
        "inconsistencies": [
            "The core moves each byte of a page itself: pages never hide behind operators, their time adds to theirs.",
            "The datasheet's current is of 8 MHz; at 16 MHz it is taken as twice as much. A board's regulator and LEDs "
            "are not in it.",
            "All operations cost a half of a float multiply-accumulate; measured cycles, with loads and loop: "
            + others
            + ".",
            "All of the SRAM counts as room for tensors: stack and variables of a program take some of it.",
        ],
    }
