# SPDX-License-Identifier: Apache-2.0
"""Small models: their archives, and what they answer, on the host. docs/small-models.md has the arithmetic;
firmware/predict.c is the same in C.

An archive (.npz) has `kind`, `low` and `high` (what inputs, which are int8, may be) and
  mlp        w0 int8 [out, in], b0 [out], w1, ...; shift and limit [hidden layers]; acc_bits (16 or 32)
  tree       Z int8 [width, features], bz [width], W and V int8 [nodes, classes, width], theta int8
             [inner nodes, width]; z_shift, z_limit, v_shift, t_limit; acc_bits
  knn        points int8 [points, features], labels uint8 [points]: the nearest one's label
  mlp_float  w0 float32 [out, in], b0 [out], w1, ...; unit: what 1 of an input stands for
Biases of integer models are integers of acc_bits.
"""

import zipfile
from pathlib import Path

import numpy as np

Model = dict[str, np.ndarray]
KINDS = ("mlp", "tree", "knn", "mlp_float")


class ModelError(ValueError):
    """An archive that is no model, or one whose sums may overflow."""


def narrow(total: np.ndarray, shift: int, low: int, high: int) -> np.ndarray:
    """(total + half) >> shift, clamped: rounds to the nearest, halves up."""
    half = 1 << (shift - 1) if shift else 0
    return np.clip((total + half) >> shift, low, high)


def dots(w: np.ndarray, x: np.ndarray) -> np.ndarray:
    """x [N, in] times w [out, in], as int64."""
    return x.astype(np.int64) @ w.astype(np.int64).T


def layers(model: Model) -> int:
    """Layers of a perceptron, or of its float parameters."""
    return sum(1 for name in model if name[0] == "w" and name[1:].isdigit())


def mlp_scores(model: Model, x: np.ndarray) -> np.ndarray:
    last = layers(model) - 1
    for layer in range(last):
        total = dots(model[f"w{layer}"], x) + model[f"b{layer}"]
        x = narrow(total, int(model["shift"][layer]), 0, int(model["limit"][layer]))
    return dots(model[f"w{last}"], x) + model[f"b{last}"]


def tree_scores(model: Model, x: np.ndarray) -> np.ndarray:
    z_limit, t_limit = int(model["z_limit"]), int(model["t_limit"])
    z = narrow(dots(model["Z"], x) + model["bz"], int(model["z_shift"]), -z_limit, z_limit)
    w, v, theta = (model[name].astype(np.int64) for name in ("W", "V", "theta"))
    node, total = np.zeros(len(x), int), np.zeros((len(x), w.shape[1]), np.int64)
    for level in range(len(w).bit_length()):
        if level:
            node = 2 * node + np.where(np.einsum("nd,nd->n", theta[node], z) > 0, 1, 2)
        t = narrow(np.einsum("ncd,nd->nc", v[node], z), int(model["v_shift"]), -t_limit, t_limit)
        total += np.einsum("ncd,nd->nc", w[node], z) * t
    return total


def knn_scores(model: Model, x: np.ndarray) -> np.ndarray:
    """For each class minus the squared distance of its nearest point."""
    points, x = model["points"].astype(np.int64), x.astype(np.int64)
    distance = (x * x).sum(1)[:, None] - 2 * x @ points.T + (points * points).sum(1)
    return np.stack([-distance[:, model["labels"] == c].min(1) for c in range(int(model["labels"].max()) + 1)], 1)


def float_scores(model: Model, x: np.ndarray) -> np.ndarray:
    """float32; every product and sum is rounded, in the order of the inputs, and the bias comes first."""
    y = x.astype(np.float32) * np.float32(model["unit"])
    for layer in range(layers(model)):
        w, total = model[f"w{layer}"], np.tile(model[f"b{layer}"], (len(x), 1))
        for i in range(w.shape[1]):
            total = total + y[:, i : i + 1] * w[:, i]
        y = np.maximum(total, np.float32(0)) if layer < layers(model) - 1 else total
    return y


def scores(model: Model, x: np.ndarray) -> np.ndarray:
    """Scores [N, classes] of inputs [N, features]: int64, float32 of mlp_float; the numbers that firmware gives."""
    of_kind = {"mlp": mlp_scores, "tree": tree_scores, "knn": knn_scores, "mlp_float": float_scores}
    return of_kind[str(model["kind"])](model, x)


def predict(model: Model, x: np.ndarray) -> np.ndarray:
    """Class of each input: the first of those with the largest score."""
    return scores(model, x).argmax(1)


def features(model: Model) -> int:
    return model[{"tree": "Z", "knn": "points"}.get(str(model["kind"]), "w0")].shape[1]


def classes(model: Model) -> int:
    if str(model["kind"]) == "knn":
        return int(model["labels"].max()) + 1
    return model["W" if str(model["kind"]) == "tree" else f"w{layers(model) - 1}"].shape[-2]


def parameter_bytes(model: Model) -> int:
    """Bytes of parameters as a device holds them."""
    kind = str(model["kind"])
    if kind == "knn":
        return model["points"].size + model["labels"].size
    if kind == "mlp_float":
        return sum(4 * v.size for name, v in model.items() if name[1:].isdigit())
    bias = int(model["acc_bits"]) // 8
    if kind == "tree":
        return sum(model[name].size for name in ("Z", "W", "V", "theta")) + bias * model["bz"].size
    return sum(model[f"w{i}"].size + bias * model[f"b{i}"].size for i in range(layers(model)))


def refuse(name: str, what: str) -> None:
    raise ModelError(f'"{name}" {what}')


def expect(model: Model, name: str, kinds: str, shape: tuple, low: int = -127, high: int = 127) -> np.ndarray:
    """The member of that shape (None: any extent) and kind of type, with values in [low, high]. Errors: ModelError."""
    if name not in model:
        refuse(name, "is missing")
    array = model[name]
    if array.ndim != len(shape) or any(s is not None and s != n for s, n in zip(shape, array.shape, strict=True)):
        refuse(name, f"is {list(array.shape)}, not {['any' if s is None else s for s in shape]}")
    if array.dtype.kind not in kinds:
        refuse(name, f"is {array.dtype}, not {'float' if 'f' in kinds else 'integer'}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        refuse(name, "is not finite")
    if array.dtype.kind in "iu" and array.size and (array.min() < low or array.max() > high):
        refuse(name, f"has values outside of {low} to {high}")
    return array


def fits(model: Model, name: str, bias: np.ndarray | int, shift: int, low: int, high: int) -> None:
    """Errors: ModelError if a sum of that matrix, whole or in part, can leave acc_bits for inputs in [low, high]."""
    w = model[name].astype(np.int64)
    room = (1 << (int(model["acc_bits"]) - 1)) - 1
    # Parts of a sum are no larger than the sum of what is positive, or negative, of it.
    ends = np.stack([w * low, w * high])
    most = np.maximum(ends.max(0).clip(0).sum(-1), -ends.min(0).clip(None, 0).sum(-1)) + np.abs(bias)
    if most.size and int(most.max()) + (1 << shift >> 1) > room:
        refuse(name, f"has sums up to {int(most.max())}; {int(model['acc_bits'])} bits hold {room}")


def check_mlp(model: Model, low: int, high: int, room: int) -> None:
    count = layers(model)
    shift = expect(model, "shift", "iu", (count - 1,), 0, 15)
    limit = expect(model, "limit", "iu", (count - 1,), 1)
    fan_in = None
    for i in range(count):
        w = expect(model, f"w{i}", "iu", (None, fan_in))
        b = expect(model, f"b{i}", "iu", (w.shape[0],), -room, room)
        fits(model, f"w{i}", b.astype(np.int64), int(shift[i]) if i < count - 1 else 0, low, high)
        fan_in, low, high = w.shape[0], 0, int(limit[i]) if i < count - 1 else 0


def check_tree(model: Model, low: int, high: int, room: int) -> None:
    width = expect(model, "Z", "iu", (None, None)).shape[0]
    nodes, of_class, _ = expect(model, "W", "iu", (None, None, width)).shape
    if nodes + 1 & nodes or not nodes:
        refuse("W", f"has {nodes} nodes; a tree of a whole depth has 1, 3, 7, ...")
    expect(model, "V", "iu", (nodes, of_class, width))
    expect(model, "theta", "iu", (nodes // 2, width))
    bz = expect(model, "bz", "iu", (width,), -room, room)
    z_shift, v_shift = (int(expect(model, name, "iu", (), 0, 15)) for name in ("z_shift", "v_shift"))
    limit, t_limit = (int(expect(model, name, "iu", (), 1)) for name in ("z_limit", "t_limit"))
    fits(model, "Z", bz.astype(np.int64), z_shift, low, high)
    for name, shift in (("W", 0), ("V", v_shift), ("theta", 0)):
        fits(model, name, 0, shift, -limit, limit)
    depth = nodes.bit_length()
    if depth * room * t_limit >= 1 << 31 and depth * width * 127 * limit * t_limit >= 1 << 31:
        refuse("W", "has scores that 32 bits do not hold")


def check(model: Model) -> None:
    """Errors: ModelError with the member that is wrong, or whose sums can overflow for an input in [low, high]."""
    kind = str(model.get("kind"))
    if kind not in KINDS:
        refuse("kind", f"is none of {', '.join(KINDS)}")
    low, high = (int(expect(model, name, "iu", (), -128)) for name in ("low", "high"))
    if low > high:
        refuse("low", "is above high")
    if kind in ("mlp", "mlp_float") and not all(f"w{i}" in model for i in range(max(1, layers(model)))):
        refuse("w0", "is missing, or another layer")
    if kind == "knn":
        points = expect(model, "points", "iu", (None, None), low, high)
        labels = expect(model, "labels", "iu", (len(points),), 0, 254)
        if len(set(labels.tolist())) != int(labels.max()) + 1:
            refuse("labels", "leave out a class")
    elif kind == "mlp_float":
        expect(model, "unit", "f", ())
        fan_in = None
        for i in range(layers(model)):
            fan_in = expect(model, f"w{i}", "f", (None, fan_in)).shape[0]
            expect(model, f"b{i}", "f", (fan_in,))
    else:
        if int(expect(model, "acc_bits", "iu", ())) not in (16, 32):
            refuse("acc_bits", "is neither 16 nor 32")
        room = (1 << (int(model["acc_bits"]) - 1)) - 1
        (check_mlp if kind == "mlp" else check_tree)(model, low, high, room)
    if not 1 <= features(model) <= 1024 or not 2 <= classes(model) <= 255:
        raise ModelError(f"{features(model)} features and {classes(model)} classes: at most 1,024, and 2 to 255")


def check_inputs(model: Model, x: np.ndarray) -> None:
    """Errors: ModelError if x is no array [N, features] of integers in the model's range."""
    if x.ndim != 2 or x.shape[1] != features(model) or x.dtype.kind not in "iu" or not len(x):
        refuse("x", f"is {x.dtype} {list(x.shape)}, not integers [samples, {features(model)}]")
    low, high = int(model["low"]), int(model["high"])
    if x.min() < low or x.max() > high:
        refuse("x", f"has values outside of {low} to {high}, which the model is for")


def read_archive(path: Path) -> Model:
    """All arrays of an .npz file. Errors: ModelError."""
    try:
        if not zipfile.is_zipfile(path):
            raise ModelError(f"{path}: is no .npz archive that can be read")
        with np.load(path) as file:
            return dict(file)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise error if isinstance(error, ModelError) else ModelError(f"{path}: {error}") from None


def load(path: Path) -> Model:
    """Reads and checks a model. Errors: ModelError, which names the file."""
    model = read_archive(path)
    try:
        check(model)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    return model


def save(path: Path, model: Model) -> None:
    np.savez_compressed(path, **model)
