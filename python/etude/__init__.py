# SPDX-License-Identifier: Apache-2.0
"""Etude: cycle-level simulator and design-space explorer for on-device training.

    import etude

    config = etude.load("configs/cct2_lora.json").set("/train/rank", 8)
    print(etude.describe(config).macs.total)      # without simulating
    result = etude.run(config)                    # cycle by cycle, in a process of its own
    print(result.step.cycles, result.step.energy_j)
    result.layers                                 # a data frame

docs/python.md has all of it. Sizes are bytes, times seconds, cycles those of the cluster clock, energies joules, areas
mm2, unless a name says otherwise.
"""

from etude.api.config import Config, ConfigLike, import_onnx, load, schema, version
from etude.api.describe import Description, Macs, Parameters, describe, export_onnx
from etude.api.lower import Program, lower
from etude.api.price import price
from etude.api.program_kit import ProgramKit, program_kit
from etude.api.result import Check, Energy, Memory, Result, Step, Traffic, open_result
from etude.api.run import run
from etude.api.schedule import Schedule, compare_policies, schedule
from etude.errors import (
    CheckError,
    ConfigError,
    DivergedError,
    Error,
    InfeasibleError,
    InternalError,
    MachineError,
    ProgramError,
    UserError,
)
from etude.explore.study import Study, open_study, sweep

__version__ = version()

__all__ = [
    "Check",
    "CheckError",
    "Config",
    "ConfigError",
    "ConfigLike",
    "Description",
    "DivergedError",
    "Energy",
    "Error",
    "InfeasibleError",
    "InternalError",
    "MachineError",
    "Macs",
    "Memory",
    "Parameters",
    "Program",
    "ProgramError",
    "ProgramKit",
    "Result",
    "Schedule",
    "Step",
    "Study",
    "Traffic",
    "UserError",
    "compare_policies",
    "describe",
    "export_onnx",
    "import_onnx",
    "load",
    "lower",
    "open_result",
    "open_study",
    "price",
    "program_kit",
    "run",
    "schedule",
    "schema",
    "sweep",
]
