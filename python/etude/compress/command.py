# SPDX-License-Identifier: Apache-2.0
"""`etude compress`: an archive of parameters in a smaller form, with a record of what that cost."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from etude.api.progress import Watch
from etude.compress import digits
from etude.compress.forms import CODES, Archive, Arrays, Form, matrices, packed, pruned, read_archive, write_archive
from etude.compress.picture import Point, accuracy_picture
from etude.errors import UserError
from etude.result import write_text


@dataclass
class Wish:
    """The options of `etude compress`."""

    source: Path
    form: Form
    out: Path
    epochs: int = 0
    teacher: Path | None = None
    seed: int = 1


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _plain(file: Path) -> Arrays:
    """Arrays of an archive that is not packed. Errors: UserError."""
    archive = read_archive(file)
    if archive.packed:
        raise UserError(f"{file}: is packed already; give the archive that it was made of")
    if not archive.plain:
        raise UserError(f"{file}: has no parameters; give an archive of a network")
    return archive.plain


def check(wish: Wish) -> tuple[Arrays, Arrays | None]:
    """Parameters and teacher of a wish that can be fulfilled. Errors: UserError naming what cannot."""
    if wish.out.suffix != ".npz":
        raise UserError(f"--out: '{wish.out}' is no .npz; give a name that ends in .npz")
    if wish.epochs < 0:
        raise UserError(f"--finetune: {wish.epochs} epochs; give at least 0")
    if wish.teacher is not None and not wish.epochs:
        raise UserError("--distill: a teacher is for training; give --finetune EPOCHS too")
    arrays = _plain(wish.source)
    if not matrices(arrays):
        raise UserError(f"{wish.source}: no array has 16 rows and 16 columns or more; there is nothing to pack")
    teacher = None
    if wish.epochs:
        from etude.compress.finetune import need_torch

        need_torch()
        if not digits.knows(arrays):
            raise UserError(
                f"{wish.source}: --finetune has data for network cct2 on digits alone; leave it out, or train elsewhere"
            )
        if wish.teacher is not None:
            teacher = _plain(wish.teacher)
            if not digits.knows(teacher):
                raise UserError(f"{wish.teacher}: is no network cct2 on digits; give one as teacher")
    return arrays, teacher


def _errors(before: Arrays, after: Arrays) -> dict[str, float]:
    """Root mean square of what packing changed, relative to the weights' own, by parameter."""

    def size(array: np.ndarray) -> float:
        return float(np.sqrt(np.mean(np.square(array, dtype=np.float64))))

    return {n: round(size(after[n] - before[n]) / (size(before[n]) or 1.0), 6) for n in matrices(before)}


def compress(wish: Wish) -> tuple[Archive, dict, str | None]:
    """The archive that was written, its record, and a picture of accuracy against bytes where data are known."""
    arrays, teacher = check(wish)
    known = digits.knows(arrays)
    trained = pruned(arrays, wish.form)
    if wish.epochs:
        from etude.compress.finetune import finetune

        with Watch("training", wanted=None) as watch:
            trained = finetune(arrays, wish.form, wish.epochs, teacher, wish.seed, watch.update)
    archive = packed(trained, wish.form, str(wish.source))
    record: dict = {
        "schema": 1,
        "source": {"sha256": _digest(wish.source)},
        "form": asdict(wish.form),
        "packed": sorted(archive.packed),
        "bytes": {"parameters": 4 * sum(a.size for a in arrays.values()), "stored": archive.weight_bytes()},
        "relative_error": _errors(arrays, archive.decoded()),
    }
    if wish.epochs:
        record["finetune"] = {"epochs": wish.epochs, "seed": wish.seed}
        if wish.teacher is not None:
            record["finetune"]["teacher_sha256"] = _digest(wish.teacher)
    picture = None
    if known:
        with Watch("classifying", wanted=None) as watch:
            picture = _measure(wish, arrays, archive, record, watch)
    archive.record = json.dumps(record, indent=1, sort_keys=True)
    write_archive(wish.out, archive)
    if picture is not None:
        write_text(wish.out.with_suffix(".svg"), picture)
    return archive, record, picture


def _measure(wish: Wish, arrays: Arrays, archive: Archive, record: dict, watch: Watch) -> str:
    """Puts accuracies into the record; the picture has this archive beside FP32 and untrained dense integers."""
    others = [Form(number, "plain") for number in ("int8", "int4", "int3")]
    total = len(others) + 2
    before = digits.accuracies(arrays)
    watch.update(1, total)
    after = digits.accuracies(archive.decoded())
    watch.update(2, total)
    record["accuracy"] = {"data": digits.data_name(), "before": before, "after": after}
    points = [Point("FP32", record["bytes"]["parameters"], before)]
    for number, form in enumerate(others):
        other = packed(arrays, form, str(wish.source))
        points.append(Point(form.number, other.weight_bytes(), digits.accuracies(other.decoded())))
        watch.update(3 + number, total)
    label = wish.form.name() + (f", {wish.epochs} epochs" if wish.epochs else "")
    points.append(Point(label, archive.weight_bytes(), after))
    return accuracy_picture("Held-out accuracy against bytes of all parameters", points)


def table_of_codes(archive: Archive) -> list[tuple[str, str, int, list[int | None]]]:
    """Of every packed parameter: name, extents, FP32 bytes, and the bytes in each of CODES (None: has no such)."""
    decoded = archive.decoded()
    rows = []
    for name in sorted(archive.packed):
        number = archive.packed[name].number
        sizes: list[int | None] = []
        for code in CODES:
            exists = not (number == "fp16" and code == "huffman")
            again = packed({name: decoded[name]}, Form(number, code), name) if exists else None
            sizes.append(again.packed[name].stored_bytes if again else None)
        shape = "x".join(map(str, archive.shapes[name]))
        rows.append((name, shape, 4 * decoded[name].size, sizes))
    return rows
