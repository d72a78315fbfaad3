# SPDX-License-Identifier: Apache-2.0
"""Schedules asked of etude-sim and runs of them, several at a time, each kept until it is asked otherwise."""

import csv
import hashlib
import io
import json
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from etude.errors import UserError
from etude.program import find_program
from etude.studies.runs import Point, run_points

ROOT = Path(__file__).resolve().parents[3]
ONE_STEP = ("/train/steps=1", "/run/verify=false")


@dataclass(frozen=True)
class Case:
    """A schedule of a configuration: `config` names a file of configs/. `size`: bytes of L2, None where it is
    the budget and what the runtime takes."""

    name: str
    config: str
    sets: tuple[str, ...] = ()
    policy: str = "optimal"
    budget: float | None = None
    deadline_s: float | None = None
    objective: str = "energy"
    size: int | None = None
    time_limit: float | None = None  # seconds of search; None: the program's own
    scheduled: bool = False  # keep is carried out as a schedule, too

    def assignments(self) -> list[str]:
        """Everything but the schedule and the size of L2."""
        return [*self.sets, *ONE_STEP]

    def question(self) -> list[str]:
        """The words behind `etude-sim`."""
        words = ["schedule", f"configs/{self.config}", "--policy", self.policy, "--objective", self.objective]
        words += [] if self.budget is None else ["--budget", f"{self.budget:g}"]
        words += [] if self.deadline_s is None else ["--deadline", repr(self.deadline_s)]
        words += [] if self.time_limit is None else ["--time-limit", f"{self.time_limit:g}"]
        words += [] if self.size is None else ["--set", f"/platform/l2/size={self.size}"]
        return [*words, *(word for each in self.assignments() for word in ("--set", each))]


def ask(words: Sequence[str], folder: Path, name: str, resume: bool) -> dict:
    """The JSON of `etude-sim schedule ...`, or its `error`; `sched` is the file of the schedule. Errors: UserError."""
    key = hashlib.sha256(json.dumps(list(words)).encode()).hexdigest()
    kept = folder / f"{name}.json"
    if resume and kept.exists():
        answer = json.loads(kept.read_text())
        if answer["key"] == key:
            return answer
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / f"{name}.sched"
    out.unlink(missing_ok=True)
    command = [str(find_program()), *words, "--json"]
    command += ["--out", str(out)] if any(word.startswith("configs/") and ".json" in word for word in words[:2]) else []
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode not in (0, 2):
        raise UserError(f"{name}: exit status {done.returncode}: {done.stderr.strip()[-300:]}")
    answer = json.loads(done.stdout) if done.stdout.startswith("{") else {}
    for bulky in ("slots", "tensors"):
        answer.pop(bulky, None)
    if done.returncode == 2:
        line = done.stderr.strip().splitlines()
        answer["error"] = (line[-1] if line else answer.get("reason", "refused")).removeprefix("etude-sim: ")
    answer["key"] = key
    kept.write_text(json.dumps(answer, indent=1))
    return answer


def ask_all(questions: Mapping[str, Sequence[str]], folder: Path, jobs: int, resume: bool) -> dict[str, dict]:
    """Answers by name."""

    def one(item: tuple[str, Sequence[str]]) -> dict:
        answer = ask(item[1], folder, item[0], resume)
        print(f"{item[0]}: {answer.get('error') or answer['status']}", flush=True)
        return answer

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        return dict(zip(questions, pool.map(one, questions.items()), strict=True))


def _config(case: Case) -> dict:
    config = json.loads((ROOT / "configs" / case.config).read_text())
    config.pop("schedule", None)
    return config


def point_of(case: Case, answer: dict, folder: Path) -> Point:
    """The run of an answer: its schedule's file, on an L2 of its budget and what the runtime takes."""
    size = case.size if case.size is not None else answer["budget"] + answer["l2_fixed"]
    sets = [*case.assignments(), f"/platform/l2/size={size}"]
    if "accumulate" in answer:  # the batch was split
        sets += [f"/workload/batch={answer['batch']}", f"/train/accumulate={answer['accumulate']}"]
    file = folder / f"{case.name}.sched"
    # What is at home comes by no windows in a step of sqrt, which a file would have: the run chooses itself.
    if file.exists() and case.policy != "sqrt" and (case.policy != "keep" or case.scheduled):
        # Named by its content: another schedule is another run.
        named = folder / "files" / f"{hashlib.sha256(file.read_bytes()).hexdigest()[:16]}.sched"
        named.parent.mkdir(exist_ok=True)
        named.write_bytes(file.read_bytes())
        sets += [f"/schedule/file={named}"]
        return Point(case.name, _config(case), tuple(sets))
    return searching(Point(case.name, _config(case), tuple(sets)), case)


def searching(point: Point, case: Case) -> Point:
    """The same run, but what is executed is what the run itself finds."""
    sets = [each for each in point.sets if not each.startswith("/schedule/")]
    sets += [f"/schedule/policy={case.policy}"]
    if case.policy != "keep":  # for which nothing else is a question
        sets += [f"/schedule/objective={case.objective}"]
        sets += [] if case.budget is None else [f"/schedule/budget={case.budget:g}"]
        sets += [] if case.deadline_s is None else [f"/schedule/deadline={case.deadline_s!r}"]
    return replace(point, sets=tuple(sets))


def _percent(value: float, base: float) -> float:
    return round(100 * (value / base - 1), 3)


def row_of(case: Case, answer: dict, result: dict | None, keep: dict | None) -> dict:
    """What tables and pictures need of an answer and its run; `keep`: the row that changes are against."""
    row = {
        "name": case.name,
        "command": "etude-sim " + " ".join(case.question()),
        **{key: getattr(case, key) for key in ("policy", "objective", "deadline_s")},
        "scheduled": case.scheduled or case.policy != "keep",
        "part": case.budget,
        "budget": answer.get("budget"),
        "peak_keep": answer.get("peak_keep"),
        "status": answer.get("status"),
        **{key: answer.get(key) for key in ("gap", "overhead", "bound", "solve_s")},
        "timed_out": answer.get("timed_out"),
        "recomputed": len(answer.get("recomputed", [])),
        "paged": len(answer.get("paged", [])),
        "file_bytes": answer.get("file", {}).get("bytes"),
        **{key: answer[key] for key in ("batch", "accumulate") if key in answer},
    }
    if "predicted" in answer:
        row |= {f"predicted_{key}": value for key, value in answer["predicted"].items()}
    error = answer.get("error")
    if error and result and "cycles" in result.get("step", {}):
        own = result["schedule"]
        row |= {"asked": error, "searched_by_run": True}
        row |= {key: own.get(key) for key in ("status", "gap", "budget")}
        row |= {f"predicted_{key}": value for key, value in own["predicted"].items()}
        row |= {key: len(own[key]) for key in ("recomputed", "paged")}
    elif error or "error" in (result or {}):
        return row | {"error": error or (result or {})["error"]}
    assert result is not None  # a question that was answered has been executed
    step, memory, traffic = result["step"], result["memory"], result["traffic"]
    row |= {
        "cycles": step["cycles"],
        "energy_j": step["energy_j"],
        "latency_s": step["latency_s"],
        "replay_s": answer.get("replay", {}).get("time_s", answer.get("time_s")),
        "hyperram_bytes": traffic["l3_l2_read"] + traffic["l3_l2_write"],
        "l2_peak": memory["l2_peak"],
        "l2_fixed": memory["l2_fixed"],
        "warnings": [each for each in result["warnings"] if not each.startswith("ignored, because")],
    }
    again = [layer for layer in result.get("layers", []) if layer["phase"] == "recompute"]
    if again:
        row |= {f"again_{key}": sum(layer[key] for layer in again) for key in ("cycles", "energy_j")}
    if "predicted_cycles" in row:
        row["cycles_off_percent"] = _percent(row["cycles"], row["predicted_cycles"])
        row["energy_off_percent"] = _percent(row["energy_j"], row["predicted_energy_j"])
    if keep and "cycles" in keep:
        row["cycles_over_keep_percent"] = _percent(row["cycles"], keep["cycles"])
        row["energy_over_keep_percent"] = _percent(row["energy_j"], keep["energy_j"])
    return row


def execute(cases: Sequence[Case], runs: Path, jobs: int, resume: bool) -> tuple[dict, dict]:
    """Answers and results by name of case; what is refused has no result. Where a schedule's file is refused, the run
    searches for itself, and its result says so."""
    asked = runs / "asked"
    answers = ask_all({case.name: case.question() for case in cases}, asked, jobs, resume)
    # Without a budget, a run may have room that the answer had not: its task list goes to HyperRAM.
    fit = [case for case in cases if "error" not in answers[case.name] or case.size is not None]
    points = [point_of(case, answers[case.name], asked) for case in fit]
    results = run_points(points, runs, jobs, resume)
    again = [
        searching(point, case)
        for point, case in zip(points, fit, strict=True)
        if "error" in results[case.name] and any("/schedule/file=" in each for each in point.sets)
    ]
    first = {point.name: results[point.name]["error"] for point in again}
    results |= run_points(again, runs, jobs, resume)
    for name, error in first.items():
        results[name]["file_refused"] = error
    for point in points:
        size = next(each for each in point.sets if each.startswith("/platform/l2/size="))
        results[point.name]["size"] = int(size.partition("=")[2])
    return answers, results


def _outputs(runs: Path, name: str) -> Path:
    """Where the digest of a run's outputs is, for runs to come that are compared with it."""
    return runs / f"{name}.sha256"


def rows_of(cases: Sequence[Case], runs: Path, jobs: int, resume: bool, keep: dict | None = None) -> list[dict]:
    """Rows in the order of cases. Outputs are compared with those of `keep`, or of the first case of policy keep."""
    answers, results = execute(cases, runs, jobs, resume)
    for name, result in results.items():
        if "folder" in result:
            digest = hashlib.sha256(Path(result["folder"], "outputs.npz").read_bytes()).hexdigest()
            _outputs(runs, name).write_text(digest)
    rows: list[dict] = []
    for case in cases:
        result = results.get(case.name)
        row = row_of(case, answers[case.name], result, keep)
        if result and "size" in result:
            row["l2_size"] = result["size"]
        if result and "file_refused" in result:
            row["file_refused"] = result["file_refused"]
        rows.append(row)
        if keep is None and case.policy == "keep" and "cycles" in row:
            keep = row
        if "cycles" in row:
            if keep and row is not keep:
                outputs = [_outputs(runs, name).read_text() for name in (row["name"], keep["name"])]
                row["same_bits"] = outputs[0] == outputs[1]
            row["within_l2"] = row["l2_peak"] <= row["l2_size"]
    return rows


def csv_of(rows: Sequence[dict]) -> str:
    """The rows as a table; columns in the order in which they first appear, lists joined."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        cells = (row.get(column) for column in columns)
        writer.writerow("; ".join(cell) if isinstance(cell, list) else cell for cell in cells)
    return out.getvalue()
