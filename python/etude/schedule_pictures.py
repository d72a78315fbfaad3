# SPDX-License-Identifier: Apache-2.0
"""`etude schedule ... --svg FOLDER`: the schedule, its memory and what every policy takes, as SVG."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from etude.errors import UserError
from etude.pictures.front_chart import Point, draw_front, points_of
from etude.pictures.memory_chart import draw_memory, memory_of_answer
from etude.pictures.schedule_grid import draw_grid, grid_of_answer
from etude.program import find_program
from etude.report.configuration import policy_of
from etude.result import engineering, load_result, write_text

BUDGETS = "1,0.9,0.8,0.7,0.6,0.5"  # of what keeping everything takes
TIME_LIMIT = "5"  # seconds of search for each policy and budget of the curve


@dataclass
class Options:
    """What is for the pictures; `rest` is for etude-sim."""

    folder: Path | None
    budgets: list[str]
    executed: list[Path]
    rest: list[str]


def _options(arguments: list[str]) -> Options:
    own: dict[str, list[str]] = {"--svg": [], "--budgets": [], "--executed": []}
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        name, equals, value = word.partition("=")
        if name not in own:
            rest.append(word)
            continue
        value = value if equals else next(words, "")
        if not value or value.startswith("--"):
            raise UserError(f"{name}: has no value; see docs/schedule.md")
        own[name].append(value)
    if not own["--svg"]:
        if own["--budgets"] or own["--executed"]:
            raise UserError("--budgets, --executed: are for pictures; give --svg FOLDER too")
        return Options(None, [], [], rest)
    budgets = (own["--budgets"] or [BUDGETS])[-1].split(",")
    for budget in budgets:
        try:
            right = 0 < float(budget) < float("inf")
        except ValueError:
            right = False
        if not right:
            raise UserError(f"--budgets: '{budget}' is no budget; give numbers above 0, with commas between them")
    return Options(Path(own["--svg"][-1]), budgets, [Path(run) for run in own["--executed"]], rest)


def wants_pictures(arguments: list[str]) -> bool:
    """Whether the arguments of `etude schedule` ask for pictures."""
    return any(word.partition("=")[0] in ("--svg", "--budgets", "--executed") for word in arguments)


def _without(words: list[str], name: str, values: int) -> list[str]:
    """The words without an option, and its value if it has one."""
    kept, skip = [], 0
    for word in words:
        if skip:
            skip -= 1
        elif word == name:
            skip = values
        elif not word.startswith(name + "="):
            kept.append(word)
    return kept


def _ask(words: list[str], accept: tuple[int, ...]) -> dict:
    """The JSON of etude-sim schedule; what it says on stderr is passed on. Ends as it ended otherwise."""
    command = [str(find_program()), "schedule", *words, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in accept or not done.stdout.startswith("{"):
        sys.stderr.write(done.stderr)
        raise SystemExit(done.returncode if done.returncode > 0 else 1)
    return json.loads(done.stdout)


def _executed(run: Path) -> Point:
    result = load_result(run)
    if "l2" not in result:
        raise UserError(f"{run}: its result.json does not say what stood in L2; run again with this version")
    memory, step = result["memory"], result["step"]
    fixed = memory["l2_fixed"]
    budget = result["l2"]["budget"] if result["l2"]["budget"] is not None else memory["l2_peak"] - fixed
    return Point(policy_of(result), budget, memory["l2_peak"] - fixed, step["energy_j"], step["latency_s"])


def pictures(answer: dict, comparisons: list[dict], executed: list[Point]) -> dict[str, str]:
    """The three images by file name. Errors: KeyError, ValueError for answers of another version."""
    points = [point for comparison in comparisons for point in points_of(comparison)]
    asked = dict.fromkeys(a["policy"] for comparison in comparisons for a in comparison["policies"])
    absent = [policy for policy in asked if not any(point.policy == policy for point in points)]
    return {
        "schedule.svg": draw_grid(grid_of_answer(answer)),
        "memory.svg": draw_memory(memory_of_answer(answer)),
        "energy_memory.svg": draw_front(points, executed, absent),
    }


def write_pictures(arguments: list[str]) -> None:
    """Solves as `etude-sim schedule` does, and every policy at several budgets; writes three images. Errors:
    UserError, also where nothing fits."""
    options = _options(arguments)
    if options.folder is None:
        raise UserError("--svg: names no folder")
    rest = _without(_without(options.rest, "--json", 0), "--compare", 0)
    executed = [_executed(run) for run in options.executed]
    answer = _ask(rest, (0,))
    others = _without(rest, "--budget", 1)
    others = others if any(w.startswith("--time-limit") for w in others) else [*others, "--time-limit", TIME_LIMIT]
    comparisons = []
    for i, budget in enumerate(options.budgets):
        sys.stderr.write(f"every policy at budget {budget} ({i + 1} of {len(options.budgets)})\n")
        comparisons.append(_ask([*others, "--compare", "--budget", budget], (0, 2)))
    images = pictures(answer, comparisons, executed)
    try:
        options.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{options.folder}: cannot be made ({error.strerror}); give another folder") from None
    for name, image in images.items():
        write_text(options.folder / name, image)
    budget = "no budget" if answer["budget"] is None else f"{answer['budget']:,} B"
    print(
        f"{answer['policy']} ({answer['status']}): {engineering(answer['energy_j'], 'J')}, "
        f"{engineering(answer['time_s'], 's')}, {answer['peak_bytes']:,} B of {budget}"
    )
    for name in images:
        print(options.folder / name)
