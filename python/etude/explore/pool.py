# SPDX-License-Identifier: Apache-2.0
"""Where points run: in this process one after the other, or on a Dask cluster, here or elsewhere."""

from __future__ import annotations

import logging
import os
import queue
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Protocol

from etude.errors import Error, MachineError, UserError
from etude.explore.point import Outcome, Task, evaluate, stop_all

CONNECT_S = 10.0
SILENCE_S = 30.0  # without a scheduler or a worker, before a sweep gives up
LOST = "finished points are kept, and --resume goes on"


class Pool(Protocol):
    """Runs points, and gives each as soon as it is finished, in any order."""

    def run(self, tasks: Sequence[Task]) -> Iterator[Outcome]: ...
    def close(self) -> None: ...


class Serial:
    """One point after the other, in this process."""

    def run(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        yield from map(evaluate, tasks)

    def close(self) -> None:
        stop_all()


class DaskPool:
    """A Dask cluster: `address` of its scheduler, or a cluster of `jobs` in this process, whose work is etude-sim's."""

    def __init__(self, jobs: int, address: str | None) -> None:
        if address is not None and not re.fullmatch(r"\w+://\S+:\d+", address):
            raise UserError(f"--dask: {address} is no address of a scheduler; give one as tcp://localhost:8786")
        try:
            import dask
            import distributed
        except ImportError as error:
            raise UserError(f"--dask: {error.name} is not installed; pip install distributed") from None
        _silence()
        dask.config.set({"distributed.comm.timeouts.connect": CONNECT_S, "distributed.admin.tick.limit": "1h"})
        self.address = address
        self.cluster: Any = None
        if address is None:
            self.cluster = distributed.LocalCluster(
                n_workers=1,
                threads_per_worker=jobs,
                processes=False,
                dashboard_address=None,
                # Its server is up all the same: at any port of this machine alone, so that two sweeps do not meet.
                scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
                silence_logs=logging.CRITICAL,
                memory_limit=0,
            )
        try:
            self.client: Any = distributed.Client(self.cluster or address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise MachineError(f"--dask: no scheduler answers at {address} ({_first(error)})") from None

    def run(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        finished: queue.Queue[Any] = queue.Queue()
        waiting = iter(tasks)
        flying: set[Any] = set()
        ahead = self._ahead()
        heard_s = time.monotonic()
        try:
            while True:
                while len(flying) < ahead and (task := next(waiting, None)) is not None:
                    flying.add(self._submit(task, finished))
                if not flying:
                    return
                try:
                    future = finished.get(timeout=1.0)
                except queue.Empty:
                    if self._alive():
                        heard_s = time.monotonic()
                    elif time.monotonic() - heard_s > SILENCE_S or self.client.status == "closed":
                        raise MachineError(self._silent()) from None
                    continue
                flying.discard(future)
                heard_s = time.monotonic()
                yield self._outcome(future)
                future.release()
        finally:
            if flying and self.client.status == "running":
                with suppress(Exception):
                    self.client.cancel(list(flying), force=True)

    def close(self) -> None:
        stop_all()
        with suppress(Exception):
            self.client.close(timeout=2)
        if self.cluster is not None:
            with suppress(Exception):
                self.cluster.close(timeout=5)

    def _submit(self, task: Task, finished: queue.Queue[Any]) -> Any:
        try:
            future = self.client.submit(evaluate, task, pure=False, priority=-task.id)
        except Exception:
            raise MachineError(self._silent()) from None
        future.add_done_callback(finished.put)
        return future

    def _ahead(self) -> int:
        with suppress(Exception):
            return max(8, 2 * sum(map(int, self.client.nthreads().values())))
        return 8

    def _alive(self) -> bool:
        if self.client.status != "running":
            return False
        with suppress(Exception):
            return bool(self.client.scheduler_info(n_workers=1)["workers"])
        return False

    def _silent(self) -> str:
        where = self.address or "the local cluster"
        return f"--dask: {where} has no scheduler or no workers any more; {LOST}"

    def _outcome(self, future: Any) -> Outcome:
        if future.status == "finished":
            outcome: Outcome = future.result(timeout=CONNECT_S)
            return outcome
        if future.status != "error":
            raise MachineError(self._silent())
        error = future.exception(timeout=CONNECT_S)
        if isinstance(error, Error):
            raise error
        if isinstance(error, ModuleNotFoundError):
            raise MachineError(f"--dask: a worker has no {error.name}; install etude there") from None
        raise MachineError(f"--dask: a worker failed ({_first(error)}); {LOST}")


def _silence() -> None:
    """Dask's loggers each have a level of their own; what matters of what they say is in our one line."""
    for name in ("distributed", *logging.root.manager.loggerDict):
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _first(error: BaseException | None) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__


def pool_of(jobs: int | None, address: str | None) -> Pool:
    """`jobs` (all cores if None) of this machine, or the workers of a scheduler."""
    if jobs is not None and jobs < 1:
        raise UserError(f"--jobs: {jobs} is below 1; give how many points run at a time")
    if address is None and (jobs or os.cpu_count() or 1) == 1:
        return Serial()
    return DaskPool(jobs or os.cpu_count() or 1, address)
