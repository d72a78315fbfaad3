# SPDX-License-Identifier: Apache-2.0
"""What can go wrong. The text is one line: "<where>: <what is wrong>; <what would be allowed>", as etude-sim's own.

`exit_status` is what the commands end with: 2 the input is wrong, 3 the simulated program failed, 1 anything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from etude.api.result import Result


class Error(Exception):
    """Every error of this package."""

    exit_status = 1


class MachineError(Error):
    """The machine does not do what it should (the disk is full)."""


class InternalError(Error):
    """A defect of this program."""


class CheckError(Error):
    """The numeric check of a run failed: `result` is whole, and says by how much."""

    def __init__(self, line: str, result: Result) -> None:
        super().__init__(line)
        self.result = result


class UserError(Error):
    """What the user gave is wrong."""

    exit_status = 2


class ConfigError(UserError):
    """A configuration, or what was asked of it, is wrong: where, what, and what would be allowed."""


class InfeasibleError(ConfigError):
    """No schedule fits the budget and the deadline: `answer` says what would (fields of `schedule --json`)."""

    def __init__(self, line: str, answer: dict[str, Any]) -> None:
        super().__init__(line)
        self.answer = answer


class ProgramError(Error):
    """The simulated program failed, or ran past its limit."""

    exit_status = 3


class DivergedError(ProgramError):
    """Training diverged: `result` is whole up to the step that was not finite."""

    def __init__(self, line: str, result: Result) -> None:
        super().__init__(line)
        self.result = result
