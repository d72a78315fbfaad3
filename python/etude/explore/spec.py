# SPDX-License-Identifier: Apache-2.0
"""SWEEP.json: what is asked, checked as a whole before anything runs."""

from __future__ import annotations

import difflib
import hashlib
import itertools
import json
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from etude import native
from etude.api.config import Config
from etude.api.lower import lower
from etude.errors import ConfigError, UserError
from etude.explore.axes import Axis, axis_of, named_axis
from etude.explore.expression import Expression
from etude.explore.fields import check_field, check_reach
from etude.explore.point import canonical
from etude.explore.question import check_question

SAMPLERS = ("grid", "random", "thompson", "tpe", "nsga2", "gp")
KEYS = ("base", "axes", "names", "constraints", "objectives", "search", "tiers", "question")
COLUMNS = ("id", "config_hash", "program_version", "tier", "status", "reason")
MOST_LISTED = 200_000  # points of a space that is looked through as a whole
MOST_PROBED = 20_000  # random points of a larger one

MOST_SEED = 2**32 - 1  # of the samplers'
MOST_TRIED = 100  # values of a range of numbers that are tried one by one

Point = tuple[int, ...]
"""A value of each axis, by its number."""


@dataclass(frozen=True)
class Spec:
    """A sweep, checked. `text`: SWEEP.json, with digests of its base as it stands and with all files that it names."""

    text: str
    base: Config
    axes: tuple[Axis, ...]
    constants: dict[str, Any]
    constraints: tuple[Expression, ...]
    objectives: dict[str, str]
    sampler: str
    points: int | None
    seed: int
    screen: str | None
    confirm: str | None
    confirm_points: int | None

    def values(self, point: Point) -> list[Any]:
        """The value of each axis at a point."""
        return [axis.values[index] for axis, index in zip(self.axes, point, strict=True)]

    def sets(self, point: Point) -> dict[str, Any]:
        """Keys to set, those that hold others first."""
        found: dict[str, Any] = {}
        for axis, index in sorted(zip(self.axes, point, strict=True), key=lambda pair: pair[0].pointer.count("/")):
            found |= axis.sets(index)
        return found

    def base_values(self) -> list[Any]:
        """The value of each axis in the base, as cells have it."""
        found = []
        for axis in self.axes:
            if axis.choices:
                named = (name for name, keys in zip(axis.values, axis.choices, strict=True) if self._stands(keys))
                found.append(next(named, None))
                continue
            try:
                found.append(canonical(self.base.get(axis.pointer)))
            except ConfigError:  # a key of something that the base has not
                found.append(None)
        return found

    def _stands(self, keys: Mapping[str, Any]) -> bool:
        """Whether the base has these values already."""
        try:
            return all(self.base.get(pointer) == value for pointer, value in keys.items())
        except ConfigError:
            return False

    def allowed(self, point: Point) -> bool:
        """Whether the constraints hold."""
        if not self.constraints:
            return True
        names = self.constants | {a.name: a.values[i] for a, i in zip(self.axes, point, strict=True)}
        return all(constraint(names) for constraint in self.constraints)

    @property
    def size(self) -> int:
        """Points of the space without its constraints."""
        size = 1
        for axis in self.axes:
            size *= len(axis.values)
        return size

    def everything(self) -> Iterator[Point]:
        """Every point that the constraints allow; the last axis runs fastest."""
        return filter(self.allowed, itertools.product(*(range(len(axis.values)) for axis in self.axes)))

    @cached_property
    def listed(self) -> list[Point] | None:
        """The same as a list; None if the space is too large."""
        return list(self.everything()) if self.size <= MOST_LISTED else None

    @property
    def tier(self) -> str:
        """The tier that every point of the search runs in."""
        return self.screen or self.confirm or ""


def load_spec(source: str | os.PathLike[str] | Mapping[str, Any]) -> Spec:
    """Reads and checks a sweep: its file, or what would be in it. Errors: UserError, before anything runs."""
    if isinstance(source, Mapping):
        asked, place = dict(source), Path.cwd()
    else:
        file = Path(source)
        asked, place = _read(file), file.resolve().parent
    if isinstance(asked.get("base"), Config):
        raise UserError("base: is a Config; give its file or object, and what was set as axes of one value")
    try:
        json.dumps(asked, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UserError(f"sweep: is no JSON ({error}); give numbers, texts, lists and objects") from None
    _known("sweep", asked, KEYS)
    for key in ("base", "axes", "objectives"):
        if key not in asked:
            raise UserError(f"sweep: has no {key}; give base, axes and objectives")
    base, base_digest = _base(asked["base"], place)
    axes, constants = _axes(asked, base)
    constraints = _constraints(asked.get("constraints", []), {axis.name for axis in axes} | set(constants), constants)
    objectives = _objectives(asked["objectives"], axes)
    check_question(asked.get("question"), axes, objectives)
    search = _section(asked, "search", ("sampler", "points", "seed"))
    tiers = _section(asked, "tiers", ("screen", "confirm", "confirm_points"))
    sampler = search.get("sampler", "grid" if search.get("points") is None else "thompson")
    if sampler not in SAMPLERS:
        raise UserError(f"search/sampler: {json.dumps(sampler)} is unknown; give {', '.join(SAMPLERS)}")
    screen, confirm = tiers.get("screen"), tiers.get("confirm", "cycle")
    if screen not in (None, "model"):
        raise UserError(f'tiers/screen: {json.dumps(screen)} is unknown; give "model" or null')
    if confirm not in (None, "cycle"):
        raise UserError(f'tiers/confirm: {json.dumps(confirm)} is unknown; give "cycle" or null')
    if screen is None and confirm is None:
        raise UserError("tiers: screen and confirm are null, so that nothing would run; give one of them")
    spec = Spec(
        text=json.dumps({**asked, "digests": [base_digest, _resolved(base)]}, ensure_ascii=False),
        base=base,
        axes=axes,
        constants=constants,
        constraints=constraints,
        objectives=objectives,
        sampler=sampler,
        points=_count("search/points", search.get("points"), 1),
        seed=_count("search/seed", search.get("seed"), 0, MOST_SEED) or 0,
        screen=screen,
        confirm=confirm,
        confirm_points=_count("tiers/confirm_points", tiers.get("confirm_points"), 1),
    )
    for name in objectives:
        check_reach(name, screen, partial(_may_be, base, axes))
    _check_space(spec)
    return spec


def check_tiers(spec: Spec) -> None:
    """Refuses a tier that this version has not. Errors: UserError."""
    if spec.screen is None:
        return
    smallest = {"network": "mlp", "sizes": [2, 2], "batch": 1}
    probe = {"platform": "platform/traindeeploy.json", "workload": smallest, "run": {"tier": spec.screen}}
    try:
        lower(probe)
    except ConfigError as error:
        raise UserError(f'tiers/screen: "{spec.screen}" is not available ({error}); give null') from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise UserError(f"sweep: has {json.dumps(key)} twice; leave one out")
        found[key] = value
    return found


def _read(file: Path) -> dict[str, Any]:
    try:
        asked = json.loads(file.read_text(encoding="utf-8"), object_pairs_hook=_once)
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror}); give a SWEEP.json") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file}: is no JSON ({error}); mend it") from None
    if not isinstance(asked, dict):
        raise UserError(f"{file}: is no object; give one with base, axes and objectives")
    return asked


def _known(place: str, asked: Mapping[str, Any], keys: tuple[str, ...]) -> None:
    for key in asked:
        if key not in keys:
            near = difflib.get_close_matches(str(key), keys, 1)
            hint = f"did you mean {near[0]}?" if near else f"give {', '.join(keys)}"
            raise UserError(f"{place}: {json.dumps(key)} is unknown; {hint}")


def _section(asked: Mapping[str, Any], name: str, keys: tuple[str, ...]) -> Mapping[str, Any]:
    section = asked.get(name, {})
    if not isinstance(section, Mapping):
        raise UserError(f"{name}: {json.dumps(section)} is no object; give one with {', '.join(keys)}")
    _known(name, section, keys)
    return section


def _count(place: str, value: Any, least: int, most: int | None = None) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < least or (most is not None and value > most):
        end = "" if most is None else f" to {most}"
        raise UserError(f"{place}: {json.dumps(value)} is no whole number from {least}{end}; give one")
    return value


def configuration_folders() -> list[Path]:
    """Where configurations are looked for that neither the current folder nor that of their namer has."""
    below = [Path("configs"), native.SOURCE / "configs", native.folder() / "configs"]
    return below + sorted(native.folder().glob("share/*/configs"))


def _base(asked: Any, place: Path) -> tuple[Config, str]:
    """The configuration that axes change, and the text of it. A file is looked for as configurations look for theirs:
    in the current folder, beside SWEEP.json, below configs/."""
    if isinstance(asked, Mapping):
        return Config(None, json.dumps(asked)), ""
    if not isinstance(asked, str):
        raise UserError(f"base: {json.dumps(asked)} is neither a file nor a configuration; give one")
    for folder in (Path(), place, *configuration_folders()):
        file = (folder / asked).resolve()
        if file.is_file():
            return Config(file, None), hashlib.sha256(file.read_bytes()).hexdigest()
    raise UserError(f"base: {asked} is not there; give a configuration's file or an object")


def _resolved(base: Config) -> str | None:
    """Tells whether a file that the base names has changed; None: it is no configuration without the axes."""
    try:
        return base.hash
    except ConfigError:
        return None


def _axes(asked: Mapping[str, Any], base: Config) -> tuple[tuple[Axis, ...], dict[str, Any]]:
    axes, names = asked["axes"], asked.get("names", {})
    if not isinstance(axes, Mapping) or not axes:
        raise UserError("axes: has none; give one or more, by JSON pointer")
    if not isinstance(names, Mapping) or not all(isinstance(pointer, str) for pointer in names.values()):
        raise UserError('names: is not of the form {"short": "/json/pointer"}; mend it')
    of_pointer: dict[str, str] = {}
    for name, pointer in names.items():
        if not name.isidentifier():
            raise UserError(f"names: {json.dumps(name)} is no name; give letters, digits and _")
        if pointer in of_pointer:
            raise UserError(f"names: {pointer} has two; leave one out")
        of_pointer[pointer] = name
    found: list[Axis] = []
    for pointer, values in axes.items():
        if pointer and not pointer.startswith("/") and isinstance(values, Mapping):
            found.append(_named(pointer, values, base))
            continue
        if not pointer.startswith("/") or pointer == "/":
            raise UserError(f"axes: {json.dumps(pointer)} is no JSON pointer; give one as /train/rank")
        last = pointer.rsplit("/", 1)[1].replace("~1", "/").replace("~0", "~")
        axis = axis_of(pointer, of_pointer.get(pointer, last), values)
        for value in {*axis.values[:MOST_TRIED], axis.values[-1]} if axis.ordered else axis.values:
            _try(base, pointer, value)
        found.append(axis)
    taken: dict[str, str] = {name: "the study itself" for name in COLUMNS}
    for axis in found:
        if axis.name.lower() in taken:
            other = taken[axis.name.lower()]
            raise UserError(f'axes: {axis.pointer} and {other} are both called {axis.name}; give "names" to tell them')
        taken[axis.name.lower()] = axis.pointer
    _check_order(found)
    constants: dict[str, Any] = {}
    for pointer, name in of_pointer.items():
        if pointer not in axes:
            if name.lower() in taken:
                raise UserError(f"names: {name} is already {taken[name.lower()]}; give another")
            constants[name] = base.get(pointer)
    return tuple(found), constants


def _named(name: str, values: Mapping[str, Any], base: Config) -> Axis:
    axis = named_axis(name, values)
    for index, choice in enumerate(axis.values):
        try:
            base.set_all(axis.sets(index))
        except ConfigError as error:
            raise UserError(f"axes: {name}/{choice}: {str(error).removeprefix('--set ')}") from None
    return axis


def _check_order(axes: list[Axis]) -> None:
    """Refuses an axis that undoes keys of one that is set before it: sets them again, or what holds them."""
    earlier: dict[str, str] = {}
    for axis in sorted(axes, key=lambda axis: axis.pointer.count("/")):
        mine = {pointer for index in range(len(axis.choices) or 1) for pointer in axis.sets(index)}
        for pointer, other in earlier.items():
            held = next((key for key in mine if pointer == key or pointer.startswith(f"{key}/")), None)
            if held is not None:
                raise UserError(f"axes: {axis.name} sets {held}, and so undoes {pointer} of {other}; "
                                "give it in the first place, or in one axis with the other")  # fmt: skip
        earlier |= dict.fromkeys(mine, axis.name)
        for index in range(len(axis.values)):
            for key, value in axis.sets(index).items():
                if key == "/run/tier" or (key == "/run" and isinstance(value, Mapping) and "tier" in value):
                    raise UserError(f'axes: {axis.name} sets /run/tier, which points have from "tiers"; leave it out')


def _may_be(base: Config, axes: Sequence[Axis], pointer: str) -> set[Any] | None:
    """What a key is in the base and where axes set it; None where an axis sets what holds it, or the base lacks it."""
    try:
        found = {base.get(pointer)}
    except ConfigError:
        return None
    for axis in axes:
        for index in range(len(axis.values)):
            for key, value in axis.sets(index).items():
                if pointer.startswith(f"{key}/"):
                    return None
                if key == pointer:
                    found.add(value)
    return found


def _try(base: Config, pointer: str, value: Any) -> None:
    try:
        base.set(pointer, value)
    except ConfigError as error:
        raise UserError(f"axes: {str(error).removeprefix('--set ')}") from None


def _constraints(asked: Any, names: set[str], constants: Mapping[str, Any]) -> tuple[Expression, ...]:
    if not isinstance(asked, list) or not all(isinstance(text, str) for text in asked):
        raise UserError('constraints: is no list of texts; give expressions as "height * width <= 256"')
    found = [Expression(text) for text in asked]
    for expression in found:
        for name in sorted(expression.names - names):
            near = difflib.get_close_matches(name, sorted(names), 1)
            hint = f"did you mean {near[0]}?" if near else f"give one of {', '.join(sorted(names))}"
            raise UserError(f'constraints: "{expression.text}" names {name}, which is unknown; {hint}')
        if not expression.names:
            raise UserError(f'constraints: "{expression.text}" names no axis; leave it out')
    return tuple(found)


def _objectives(asked: Any, axes: tuple[Axis, ...]) -> dict[str, str]:
    if not isinstance(asked, Mapping) or not asked:
        raise UserError('objectives: has none; give one or more as {"step.cycles": "min"}')
    taken = {axis.name.lower() for axis in axes} | set(COLUMNS)
    for name, way in asked.items():
        check_field(name)
        if way not in ("min", "max"):
            raise UserError(f'objectives: {name} is {json.dumps(way)}; give "min" or "max"')
        if name.lower() in taken:
            raise UserError(f'objectives: an axis is called {name}, too; give it another name in "names"')
    return dict(asked)


def _check_space(spec: Spec) -> None:
    if spec.listed is not None:
        if not spec.listed:
            raise UserError(f"constraints: none of {spec.size:,} points meets {_hardest(spec)}; loosen them")
    else:
        rng = random.Random(0)
        if not any(spec.allowed(random_point(spec, rng)) for _ in range(MOST_PROBED)):
            raise UserError(f"constraints: none of {MOST_PROBED:,} random points meets them; loosen them")
    if spec.sampler == "grid":
        if spec.listed is None:
            raise UserError(f"search: a grid of {spec.size:,} points is too large; give another sampler and points")
        if spec.points is not None and spec.points < len(spec.listed):
            raise UserError(f"search/points: {spec.points} is less than the grid's {len(spec.listed):,} points; "
                            "leave it out, or give sampler random")  # fmt: skip
    elif spec.points is None:
        raise UserError(f"search/points: is missing; sampler {spec.sampler} needs how many points to try")


def random_point(spec: Spec, rng: random.Random) -> Point:
    """Any point of the space, allowed or not."""
    return tuple(rng.randrange(len(axis.values)) for axis in spec.axes)


def _hardest(spec: Spec) -> str:
    """The constraint that nothing meets, else all of them."""
    for constraint in spec.constraints:
        alone = Spec(**{**{f: getattr(spec, f) for f in Spec.__dataclass_fields__}, "constraints": (constraint,)})
        if not alone.listed:
            return f'"{constraint.text}"'
    return " and ".join(f'"{constraint.text}"' for constraint in spec.constraints)
