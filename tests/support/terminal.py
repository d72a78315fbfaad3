# SPDX-License-Identifier: Apache-2.0
"""Programs on a terminal."""

import os
import pty
import subprocess


def on_a_terminal(command: list[str], **options) -> tuple[int, str]:
    """Exit status of a program, and what it wrote on its terminal."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True, **options)
    os.close(theirs)
    said = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # all of the other side is closed
            break
        if not part:
            break
        said += part
    os.close(ours)
    return child.wait(), said.decode(errors="replace")
