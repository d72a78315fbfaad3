# SPDX-License-Identifier: Apache-2.0
"""Errors that the user can mend."""


class MachineError(Exception):
    """The machine does not do what it should (the disk is full): one line on stderr, exit status 1."""


class UserError(Exception):
    """What the user gave is wrong: one line on stderr, exit status 2.

    The text reads "<where>: <what is wrong>; <what would be allowed>", as etude-sim's own.
    """
