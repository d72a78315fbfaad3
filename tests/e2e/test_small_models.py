# SPDX-License-Identifier: Apache-2.0
"""Small models: the same numbers on the host, on an RV32 core and on an ATmega328P; wrong ones are refused."""

import json
import subprocess
import sys

import numpy as np
import pytest
from support import ROOT, SIM

sys.path.insert(0, str(ROOT / "scripts"))
from small import device, digits, firmware, models, quantise, train  # noqa: E402

SCRIPT = ROOT / "scripts/small_models.py"
NAMES = ("digits_mlp_int8", "digits_tree_int8")


def committed(name: str) -> models.Model:
    return models.load(digits.DATA / f"{name}.npz")


def drawn_mlp(rng, bits=16, sizes=(7, 5, 3), low=-128, high=127) -> models.Model:
    """Random perceptron with the largest weights that its sums allow."""
    p = {k: v + rng.normal(0, 0.1, v.shape) for k, v in train.mlp_start(list(sizes), rng).items()}
    x = rng.integers(low, high + 1, (40, sizes[0]))
    return quantise.quantise(p, x, 1 / 64, (low, high), bits)


def drawn_tree(rng, bits=16, sizes=(9, 6, 2, 4), low=-128, high=127) -> models.Model:
    p = train.tree_start(*sizes, rng)
    x = rng.integers(low, high + 1, (40, sizes[0]))
    return quantise.quantise(p, x, 1 / 64, (low, high), bits)


def inputs_of(model, rng, count=12) -> np.ndarray:
    """Random inputs, and the ends of the range."""
    low, high, n = int(model["low"]), int(model["high"]), models.features(model)
    drawn = rng.integers(low, high + 1, (count, n))
    ends = rng.choice([low, high], (count, n))
    return np.concatenate([drawn, ends, np.full((1, n), low), np.full((1, n), high)]).astype(np.int8)


def by_hand(model, x) -> list[int]:
    """Scores of one input in plain integers, as docs/small-models.md says; sums are watched at every addition."""
    room = 2 ** (int(model["acc_bits"]) - 1)

    def dot(w, x, bias=0):
        total = 0
        for a, b in [*zip(w, x, strict=True), (bias, 1)]:
            total += int(a) * int(b)
            assert -room <= total < room
        return total

    def narrow(total, shift, low, high):
        total += 1 << (shift - 1) if shift else 0
        assert -room <= total < room
        return min(max(total // 2**shift, low), high)

    if str(model["kind"]) == "mlp":
        for i, (shift, limit) in enumerate(zip(model["shift"].tolist(), model["limit"].tolist(), strict=True)):
            rows = zip(model[f"w{i}"], model[f"b{i}"], strict=True)
            x = [narrow(dot(w, x, b), shift, 0, limit) for w, b in rows]
        last = len(model["shift"])
        return [dot(w, x, b) for w, b in zip(model[f"w{last}"], model[f"b{last}"], strict=True)]
    limit, top = int(model["z_limit"]), int(model["t_limit"])
    rows = zip(model["Z"], model["bz"], strict=True)
    z = [narrow(dot(w, x, b), int(model["z_shift"]), -limit, limit) for w, b in rows]
    node, scores = 0, [0] * models.classes(model)
    while node < len(model["W"]):
        for c in range(len(scores)):
            t = narrow(dot(model["V"][node][c], z), int(model["v_shift"]), -top, top)
            scores[c] += dot(model["W"][node][c], z) * t
        left = node < len(model["theta"]) and dot(model["theta"][node], z) > 0
        node = 2 * node + (1 if left else 2)
    return scores


@pytest.mark.parametrize("draw", [drawn_mlp, drawn_tree])
@pytest.mark.parametrize("bits", [16, 32])
def test_the_hosts_numbers_are_those_of_the_page(draw, bits):
    for seed in range(4):
        rng = np.random.default_rng([seed, bits])
        model = draw(rng, bits)
        x = inputs_of(model, rng)
        assert models.scores(model, x).tolist() == [by_hand(model, row.tolist()) for row in x]


def test_no_input_overflows_a_sum_and_a_larger_weight_is_refused():
    """The worst input of a row reaches what check() allows; one more, and the archive is refused."""
    w = np.full((1, 8), 100, np.int8)
    base = {"kind": np.array("mlp"), "low": np.int16(0), "high": np.int16(40), "acc_bits": np.uint8(16)}
    base |= {"w0": np.concatenate([w, -w]), "shift": np.zeros(0, np.uint8), "limit": np.zeros(0, np.uint8)}
    fits = {**base, "b0": np.array([767, -767], np.int16)}  # 8 * 100 * 40 + 767 = 32767
    models.check(fits)
    assert by_hand(fits, [40] * 8) == [32767, -32767]
    with pytest.raises(models.ModelError, match='"w0" has sums up to 32768'):
        models.check({**base, "b0": np.array([0, -768], np.int16)})


@pytest.mark.parametrize("kind, gradient", [("mlp", train.mlp_gradient), ("tree", train.tree_gradient)])
def test_gradients_are_those_of_finite_differences(kind, gradient):
    rng = np.random.default_rng(3)
    p = train.mlp_start([6, 5, 4], rng) if kind == "mlp" else train.tree_start(6, 5, 2, 4, rng)
    x, wanted, sharp = rng.normal(size=(9, 6)), np.eye(4)[rng.integers(0, 4, 9)], 2.0

    def loss() -> float:
        if kind == "mlp":
            scores = train.mlp_scores(p, x)
        else:  # soft branches, node by node
            z = x @ p["Z"].T + p["bz"]
            part, scores = {0: np.ones(len(x))}, 0
            for k in range(7):
                node = (z @ p["W"][k].T) * np.clip(z @ p["V"][k].T, -1, 1)
                scores = scores + part[k][:, None] * node
                if k < 3:
                    left = (1 + np.tanh(sharp * (z @ p["theta"][k]))) / 2
                    part[2 * k + 1], part[2 * k + 2] = part[k] * left, part[k] * (1 - left)
        return -(wanted * np.log(train.softmax(scores))).sum() / len(x)

    got = gradient(p, x, wanted, sharp)
    for name, value in p.items():
        for _ in range(3):
            at = tuple(rng.integers(0, extent) for extent in value.shape)
            before, step = value[at], 1e-6
            value[at] = before + step
            above = loss()
            value[at] = before - step
            below = loss()
            value[at] = before
            assert got[name][at] == pytest.approx((above - below) / (2 * step), rel=1e-4, abs=1e-8), name


def test_training_is_that_of_its_seed():
    first, again, other = (digits.trained("tree", seed, 40) for seed in (1, 1, 2))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["Z"], other["Z"])


@pytest.mark.parametrize("name", NAMES)
def test_committed_models_take_2_kb_and_know_the_digits(name):
    model = committed(name)
    assert models.parameter_bytes(model) <= 2048
    points = json.loads((ROOT / "results/small/points.json").read_text())
    of_name = [p for p in points if p["model"] == name]
    assert {p["accuracy"] for p in of_name} == {round(digits.correct(model), 2)}
    assert all(p["parameters"] == models.parameter_bytes(model) for p in of_name)
    assert all(p["equal"] == p["compared"] == 1797 for p in of_name)
    x, _ = digits.load()
    for row in x[:: len(x) // 3]:
        assert models.scores(model, row[None])[0].tolist() == by_hand(model, row.tolist())


def on_target(model, x, target, tmp_path) -> firmware.Run:
    """The run, after a comparison with the host; skipped where a tool is missing."""
    if missing := firmware.missing_tools(target):
        pytest.skip(f"needs {', '.join(missing)} (scripts/setup.sh --tests)")
    run = firmware.run(model, x, target, tmp_path, SIM)
    wanted = models.scores(model, x)
    assert run.scores.tolist() == firmware.score_bits(wanted).tolist()
    assert run.classes.tolist() == wanted.argmax(1).tolist()
    return run


@pytest.mark.parametrize("target", firmware.TARGETS)
@pytest.mark.parametrize("name", NAMES)
def test_a_target_has_the_hosts_scores_in_the_recorded_cycles(name, target, tmp_path):
    x, _ = digits.load()
    run = on_target(committed(name), x[digits.TRAINED :][:40], target, tmp_path)
    points = json.loads((ROOT / "results/small/points.json").read_text())
    point = next(p for p in points if (p["model"], p["target"]) == (name, target))
    # The mean of other images, another compiler of the same major version: some per cent.
    assert run.cycles[1:].mean() == pytest.approx(point["cycles_mean"], rel=0.03)
    assert run.parameters == point["parameters"]


@pytest.mark.parametrize("target", firmware.TARGETS)
def test_odd_shapes_and_the_ends_of_the_range(target, tmp_path):
    rng = np.random.default_rng(9)
    drawn = [
        drawn_mlp(rng, 16, (13, 3)),
        drawn_mlp(rng, 32, (21, 9, 17, 2), -100, 127),
        drawn_tree(rng, 16, (9, 6, 2, 4)),
        drawn_tree(rng, 32, (5, 3, 0, 11), 0, 90),
    ]
    for model in drawn:
        on_target(model, inputs_of(model, rng), target, tmp_path)


@pytest.mark.parametrize("target", ["rv32", "avr"])
def test_neighbours_and_floats_agree_too(target, tmp_path):
    rng = np.random.default_rng(4)
    ends = {"low": np.int16(-50), "high": np.int16(50)}
    points = {"points": rng.integers(-50, 51, (9, 5)).astype(np.int8), "labels": np.arange(9, dtype=np.uint8) % 3}
    near = {"kind": np.array("knn"), **ends, **points}
    p = {name: value.astype(np.float32) for name, value in train.mlp_start([5, 6, 3], rng).items()}
    for model in (near, {"kind": np.array("mlp_float"), "unit": np.float32(0.1), **ends, **p}):
        models.check(model)
        on_target(model, inputs_of(model, rng, 5), target, tmp_path)


def test_what_no_avr_holds_is_refused_with_its_bytes(tmp_path):
    if missing := firmware.missing_tools("avr"):
        pytest.skip(f"needs {', '.join(missing)} (scripts/setup.sh --tests)")
    x, _ = digits.load()
    with pytest.raises(firmware.DoesNotFit, match="93405 B of parameters; an ATmega328P has 32768 B"):
        firmware.run(digits.nearest_neighbour(), x[:1], "avr", tmp_path, SIM)
    wide = drawn_mlp(np.random.default_rng(1), 32, (4, 1500, 2))
    with pytest.raises(firmware.DoesNotFit, match="B of variables; an ATmega328P has 32768 and 2048"):
        firmware.run(wide, np.zeros((1, 4), np.int8), "avr", tmp_path, SIM)


def script(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True)


def test_a_perceptron_of_ones_own_from_floats_to_cycles(tmp_path):
    rng = np.random.default_rng(5)
    x = rng.integers(-90, 91, (60, 12))
    p = train.mlp_start([12, 8, 4], rng)
    np.savez(tmp_path / "float.npz", **p)
    np.savez(tmp_path / "data.npz", x=x.astype(np.int8), y=train.mlp_scores(p, x / 32).argmax(1))
    ends = ("--unit", 1 / 32, "--low", -90, "--high", 90)
    made = script("quantise", tmp_path / "float.npz", tmp_path / "data.npz", tmp_path / "mine.npz", *ends)
    assert made.returncode == 0, made.stderr
    ran = script("run", tmp_path / "mine.npz", tmp_path / "data.npz", "--target", "rv32", "--count", 30)
    assert ran.returncode == 0, ran.stderr
    percent = float(ran.stdout.split("host: ")[1].split(" %")[0])
    assert percent >= 96 and "rv32: equal to the host;" in ran.stdout


@pytest.mark.parametrize(
    "change, says",
    [
        ({"kind": np.array("cnn")}, '"kind" is none of'),
        ({"w1": None}, '"w0"|"w1"|"shift"'),
        ({"w0": np.zeros((26, 63), np.int8)[:, :, None]}, '"w0" is'),
        ({"w1": np.zeros((10, 25), np.int8)}, '"w1" is'),
        ({"b0": np.zeros(26)}, '"b0" is float64'),
        ({"shift": np.array([16], np.uint8)}, '"shift" has values'),
        ({"limit": np.array([0], np.uint8)}, '"limit" has values'),
        ({"w0": np.full((26, 64), 127, np.int8)}, '"w0" has sums'),
        ({"high": np.int16(127)}, '"w0" has sums'),
        ({"acc_bits": np.uint8(8)}, '"acc_bits"'),
        ({"low": np.int16(17)}, '"low" is above'),
    ],
)
def test_wrong_models_are_refused_in_one_line(tmp_path, change, says):
    model = {name: value for name, value in (committed(NAMES[0]) | change).items() if value is not None}
    np.savez(tmp_path / "wrong.npz", **model)
    with pytest.raises(models.ModelError, match=says) as refused:
        models.load(tmp_path / "wrong.npz")
    assert str(tmp_path / "wrong.npz") in str(refused.value) and "\n" not in str(refused.value)


def test_wrong_requests_are_refused_in_one_line(tmp_path):
    (tmp_path / "text.npz").write_text("no archive")
    np.savez(tmp_path / "wide.npz", x=np.full((2, 64), 17, np.int8), y=np.zeros(2, int))
    mlp, data = digits.DATA / f"{NAMES[0]}.npz", digits.DATA / "digits_8x8.npz"
    for arguments, says in (
        (("run", tmp_path / "text.npz", data), "text.npz: is no .npz archive"),
        (("run", mlp, tmp_path / "none.npz"), "none.npz"),
        (("run", mlp, mlp), 'has no "x"'),
        (("run", mlp, tmp_path / "wide.npz"), "outside of 0 to 16"),
        (("quantise", mlp, data, tmp_path / "out.npz"), '"w0" is int8, not float'),
    ):
        done = script(*arguments)
        assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
        assert says in done.stderr
    assert not (tmp_path / "out.npz").exists()


def test_the_cost_table_is_what_simavr_measures(tmp_path):
    if missing := firmware.missing_tools("avr"):
        pytest.skip(f"needs {', '.join(missing)} (scripts/setup.sh --tests)")
    table = json.loads((ROOT / "configs/devices/atmega328p.json").read_text())
    assert device.device_table(device.measured(tmp_path)) == table
    # 5.2 mA at 5 V and 8 MHz are 3.25 nJ a cycle, 52 mW at 16 MHz.
    assert table["compute_w"]["value"] == pytest.approx(0.052)
    assert table["flop_per_s"]["value"] / table["flop_per_j"]["value"] == pytest.approx(0.052)
