# SPDX-License-Identifier: Apache-2.0
"""`etude compress`: forms and archives, training that knows the form, refusals."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from etude.compress import digits
from etude.compress.command import Wish, compress
from etude.compress.finetune import finetune
from etude.compress.forms import Form, form_of, matrices, packed, pruned, read_archive, write_archive
from etude.compress.picture import Point, accuracy_picture
from etude.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
CCT2 = ROOT / "workloads/data/cct2_digits.npz"


@pytest.fixture(scope="module")
def cct2():
    return read_archive(CCT2).plain


@pytest.fixture
def network(tmp_path):
    """An archive of no network that is known, and its arrays."""
    random = np.random.default_rng(3)
    arrays = {
        "a/w": random.normal(size=(40, 33)).astype(np.float32),
        "conv": random.normal(size=(17, 3, 3, 3)).astype(np.float32),
        "b": random.normal(size=33).astype(np.float32),
    }
    np.savez(tmp_path / "net.npz", **arrays)
    return tmp_path / "net.npz", arrays


def rounded(array: np.ndarray, largest: int, per_row: bool) -> np.ndarray:
    """NumPy's own symmetric rounding with a scale per channel."""
    flat = array.reshape(array.shape[0], -1) if per_row else array.reshape(-1, array.shape[-1])
    scale = (np.abs(flat).max(1 if per_row else 0, keepdims=True) / np.float32(largest)).astype(np.float32)
    numbers = np.round(flat.astype(np.float64) / scale).astype(np.float32)
    return (numbers * scale).reshape(array.shape)


@pytest.mark.parametrize("code", ["plain", "bitmap", "huffman"])
@pytest.mark.parametrize(("number", "largest"), [("int8", 127), ("int4", 7), ("int3", 3)])
def test_an_archive_decodes_to_what_numpy_rounds(tmp_path, network, number, largest, code):
    _, arrays = network
    write_archive(tmp_path / "p.npz", packed(arrays, Form(number, code), "net"))
    back = read_archive(tmp_path / "p.npz")
    assert sorted(back.packed) == ["a/w", "conv"]
    decoded = back.decoded()
    np.testing.assert_array_equal(decoded["a/w"], rounded(arrays["a/w"], largest, False))
    np.testing.assert_array_equal(decoded["conv"], rounded(arrays["conv"], largest, True))
    np.testing.assert_array_equal(decoded["b"], arrays["b"])


def test_half_precision_is_numpys(network):
    _, arrays = network
    decoded = packed(arrays, Form("fp16", "bitmap"), "net").decoded()
    np.testing.assert_array_equal(decoded["a/w"], arrays["a/w"].astype(np.float16).astype(np.float32))


def test_pruning_zeroes_the_smallest(network):
    _, arrays = network
    free = pruned(arrays, Form("int8", sparsity=0.7))["a/w"]
    assert (free == 0).sum() == round(0.7 * free.size)
    assert np.abs(arrays["a/w"][free == 0]).max() <= np.abs(free[free != 0]).min()
    two_of_four = pruned(arrays, Form("int8", sparsity=0.5, pattern="2:4"))["a/w"][:, :32].reshape(-1, 4)
    assert ((two_of_four == 0).sum(1) == 2).all()


def test_a_command_writes_the_same_bytes_each_time_and_says_what_it_did(tmp_path, network):
    source, arrays = network
    command = [sys.executable, "-m", "etude", "compress", str(source), "--bits", "4", "--sparsity", "0.5"]
    outputs = []
    for name in ("one.npz", "two.npz"):
        done = subprocess.run(
            [*command, "--code", "bitmap", "--out", str(tmp_path / name)],
            capture_output=True,
            text=True,
            env={"PYTHONPATH": str(ROOT / "python")},
        )
        assert done.returncode == 0, done.stderr
        assert "int4 50 % bitmap" in done.stdout
        outputs.append((tmp_path / name).read_bytes())
    assert outputs[0] == outputs[1]
    record = json.loads(read_archive(tmp_path / "one.npz").record)
    assert record["form"] == {"number": "int4", "code": "bitmap", "sparsity": 0.5, "pattern": "free"}
    assert record["bytes"]["parameters"] == 4 * sum(a.size for a in arrays.values())


def test_the_record_has_the_accuracy_before_and_after(tmp_path, monkeypatch):
    part = digits.held_out(40)
    monkeypatch.setattr(digits, "held_out", lambda: part)
    _, record, picture = compress(Wish(CCT2, Form("int8"), tmp_path / "int8.npz"))
    assert record["accuracy"]["before"]["upright"] >= 0.95
    assert abs(record["accuracy"]["after"]["upright"] - record["accuracy"]["before"]["upright"]) <= 0.05
    assert picture == (tmp_path / "int8.svg").read_text()
    assert record["bytes"]["parameters"] / record["bytes"]["stored"] > 3.5


def test_training_digits_are_those_that_were_not_held_out():
    images, labels = digits.training_digits()
    held = digits.held_out()[0]["upright"][:, 0]
    assert images.shape == (1437, 32, 32)
    assert np.bincount(labels).min() > 120
    assert not any((images == one).all((1, 2)).any() for one in held[:40])


def test_training_keeps_zeros_and_gives_the_same_digits_each_time(cct2, monkeypatch):
    pytest.importorskip("torch")
    images, labels = digits.training_digits()
    monkeypatch.setattr("etude.compress.finetune.training_digits", lambda: (images[:64], labels[:64]))
    form = Form("int4", sparsity=0.5)
    told = []
    runs = [finetune(cct2, form, 1, cct2, 7, lambda done, total: told.append((done, total))) for _ in range(2)]
    assert told[-1] == (2, 2)
    before = pruned(cct2, form)
    for name in matrices(cct2):
        np.testing.assert_array_equal(runs[0][name], runs[1][name])
        assert (runs[0][name][before[name] == 0] == 0).all()
        assert (runs[0][name] != before[name]).any()


def test_without_pytorch_training_is_refused_in_a_line(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UserError, match="--finetune: needs PyTorch"):
        compress(Wish(CCT2, Form("int4"), tmp_path / "o.npz", epochs=1))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((5, None, "free", "plain"), "--bits"),
        ((8, 1.0, "free", "plain"), "--sparsity"),
        ((8, 0.7, "2:4", "plain"), "--sparsity"),
        ((8, None, "4:2", "plain"), "--pattern"),
        ((8, None, "free", "gzip"), "--code"),
        ((16, None, "free", "huffman"), "--code"),
    ],
)
def test_forms_that_do_not_exist_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        form_of(*options)


def test_wishes_that_cannot_be_fulfilled_are_refused(tmp_path, network):
    source, arrays = network
    np.savez(tmp_path / "small.npz", w=np.ones((4, 4), np.float32))
    write_archive(tmp_path / "packed.npz", packed(arrays, Form("int8"), "net"))
    for wish, message in [
        (Wish(tmp_path / "no.npz", Form("int8"), tmp_path / "o.npz"), "no.npz"),
        (Wish(source, Form("int8"), tmp_path / "o.bin"), "--out"),
        (Wish(tmp_path / "small.npz", Form("int8"), tmp_path / "o.npz"), "nothing to pack"),
        (Wish(tmp_path / "packed.npz", Form("int8"), tmp_path / "o.npz"), "packed already"),
        (Wish(source, Form("int8"), tmp_path / "o.npz", teacher=source), "--distill"),
        (Wish(source, Form("int8"), tmp_path / "o.npz", epochs=-1), "--finetune"),
    ]:
        with pytest.raises(UserError, match=message):
            compress(wish)
    assert not (tmp_path / "o.npz").exists()


def test_damaged_archives_are_refused_by_file_and_parameter(tmp_path, network):
    _, arrays = network
    write_archive(tmp_path / "p.npz", packed(arrays, Form("int8", "huffman"), "net"))
    with np.load(tmp_path / "p.npz") as members:
        whole = {name: members[name] for name in members.files}
    whole["packed/a/w"] = whole["packed/a/w"][:-4]
    np.savez(tmp_path / "damaged.npz", **whole)
    with pytest.raises(UserError, match=r"damaged\.npz: packed 'a/w'"):
        read_archive(tmp_path / "damaged.npz")


def test_a_picture_names_every_point():
    points = [Point("FP32", 4096, {"upright": 0.9}), Point("int8 & co", 1024, {"upright": 0.8})]
    picture = accuracy_picture("title", points)
    assert picture == accuracy_picture("title", points)
    assert "int8 &amp; co: 1,024 B, upright 80.0 %" in picture
