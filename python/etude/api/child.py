# SPDX-License-Identifier: Apache-2.0
"""etude-sim as a child: it ends when we do, whatever ends us."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from etude.errors import Error, InternalError, MachineError, ProgramError
from etude.program import find_program

GRACE_S = 5.0  # to tidy up, before it is killed
TRIES = 3  # of a run that somebody killed
CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGFPE, signal.SIGBUS)
ENDED_BY_SOMEBODY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Ended:
    """How a child ended: exit status (negative: the signal), and what it said on stderr."""

    status: int
    stderr: str

    @property
    def line(self) -> str:
        """Its last words, without its name."""
        lines = [line for line in self.stderr.splitlines() if line.strip()]
        return lines[-1].removeprefix("etude-sim: ") if lines else f"etude-sim ended with status {self.status}"


def stop(child: subprocess.Popen[bytes]) -> None:
    """Ends a child that is still there: first so that it can tidy up."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    if child.stderr is not None:
        child.stderr.close()


def watch(arguments: Sequence[str], progress: Callable[[int, int], None]) -> Ended:
    """Runs etude-sim to its end and calls `progress` with the steps that are over and all of them.

    What interrupts it (Ctrl-C, an error of `progress`) ends the child first. Errors: UserError if there is no program.
    """
    ours, its = os.pipe()
    child: subprocess.Popen[bytes] | None = None
    with os.fdopen(ours, "rb", buffering=0) as lines:
        try:
            try:
                command = [str(find_program()), *arguments, "--progress-fd", str(its)]
                child = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=[its]
                )
            finally:
                os.close(its)
            assert child.stderr is not None
            stderr = _listen(lines, child.stderr, progress)
            status = child.wait()
        finally:
            if child is not None:
                stop(child)
    if status == -signal.SIGINT:
        raise KeyboardInterrupt
    return Ended(status, stderr)


def _listen(lines: IO[bytes], stderr: IO[bytes], progress: Callable[[int, int], None]) -> str:
    said, told = b"", b""
    with selectors.DefaultSelector() as selector:
        for pipe in (lines, stderr):
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select():
                data = os.read(key.fd, 65536)
                if not data:
                    selector.unregister(key.fileobj)
                elif key.fileobj is stderr:
                    said += data
                else:
                    *whole, told = (told + data).split(b"\n")
                    if whole:
                        over, all_ = whole[-1].split()
                        progress(int(over), int(all_))
    return said.decode(errors="replace")


def measure(message: bytes) -> str:
    """Counts a pass that a plan wants to know: its message to its account. What interrupts it ends the child. Errors:
    InternalError where the child crashed or was killed each time, MachineError where somebody ended it."""
    command = [str(find_program()), "measure"]
    for _ in range(TRIES):
        done = subprocess.run(command, input=message, capture_output=True, check=False)
        if done.returncode >= 0 or -done.returncode in (*CRASHES, *ENDED_BY_SOMEBODY):
            break
    if done.returncode == 0:
        return done.stdout.decode()
    raise _not_measured(Ended(done.returncode, done.stderr.decode(errors="replace")))


class Measures:
    """measure() of one pass after the other by children that stay, one for each thread: they begin once, and count each
    pass in a copy of themselves, so that nothing is left of it."""

    def __init__(self) -> None:
        self._of_thread = threading.local()
        self._children: set[subprocess.Popen[bytes]] = set()

    def __call__(self, message: bytes) -> str:
        for _ in range(TRIES):
            child = self._child()
            try:
                answer = _answer(child, message)
            except BaseException:
                self._end(child)
                raise
            if answer.endswith(b"\n"):
                return answer.decode()
            assert child.stderr is not None
            ended = Ended(child.wait(), child.stderr.read().decode(errors="replace"))
            self._end(child)
            if ended.status >= 0 or -ended.status in (*CRASHES, *ENDED_BY_SOMEBODY):
                break
        raise _not_measured(ended)

    def close(self) -> None:
        """Ends all children."""
        for child in list(self._children):
            self._end(child)

    def _child(self) -> subprocess.Popen[bytes]:
        child: subprocess.Popen[bytes] | None = getattr(self._of_thread, "child", None)
        command = [str(find_program()), "measure", "--many"]
        if child is None or child not in self._children or child.args != command:
            pipe = subprocess.PIPE
            child = self._of_thread.child = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe)
            self._children.add(child)
        return child

    def _end(self, child: subprocess.Popen[bytes]) -> None:
        self._children.discard(child)
        child.kill()  # it keeps nothing
        child.wait()
        for pipe in (child.stdin, child.stdout, child.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


def _answer(child: subprocess.Popen[bytes], message: bytes) -> bytes:
    """A line, or less where the child is gone."""
    assert child.stdin is not None and child.stdout is not None
    with suppress(BrokenPipeError):
        child.stdin.write(b"%d\n%b" % (len(message), message))
        child.stdin.flush()
    return child.stdout.readline()


def _not_measured(ended: Ended) -> Error:
    error = error_of(ended)
    if ended.status < 0 and -ended.status not in ENDED_BY_SOMEBODY:
        return InternalError(str(error))
    return error


def error_of(ended: Ended) -> Error:
    """The error that a status other than 0 and 2 stands for."""
    if ended.status < 0:
        return MachineError(f"etude-sim: ended by signal {-ended.status} ({signal.Signals(-ended.status).name})")
    if ended.status == 3:
        return ProgramError(ended.line)
    return InternalError(ended.line) if "internal error" in ended.line else MachineError(ended.line)
