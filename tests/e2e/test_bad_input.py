# SPDX-License-Identifier: Apache-2.0
"""Wrong input: exit status 2, one line on stderr that names place and remedy, and nothing written."""

import io
import json
import os
import warnings
import zipfile

import pytest
from support import BUILD, ROOT, run

MAIN = json.loads((ROOT / "configs/deep_ae.json").read_text())
MAIN["workload"].pop("inputs", None)  # drawn from the seed: a case that is about inputs gives its own


def config(**sections) -> str:
    """The main job with some sections replaced; None leaves one out."""
    root = {**MAIN, **sections}
    return json.dumps({key: value for key, value in root.items() if value is not None})


def workload(**keys) -> str:
    return config(workload={**MAIN["workload"], **keys})


def cluster(**keys) -> str:
    return config(platform={"cluster": keys})


def npz(tmp_path, name: str, **arrays) -> str:
    import numpy

    numpy.savez(tmp_path / name, **arrays)
    return str(tmp_path / name)


def samples(value: float = 0.5, features: int = 640):
    import numpy

    array = numpy.full((24, features), value, numpy.float32)
    return array


def truncated_npz(tmp_path) -> str:
    file = npz(tmp_path, "cut.npz", x=samples())
    whole = open(file, "rb").read()
    with open(file, "wb") as out:
        out.write(whole[: len(whole) // 2])
    return file


def npz_of_text(tmp_path) -> str:
    with zipfile.ZipFile(tmp_path / "text.npz", "w") as archive:
        archive.writestr("x.npy", "no array")
    return str(tmp_path / "text.npz")


def member_twice(tmp_path) -> str:
    file = npz(tmp_path, "twice.npz", x=samples())
    with zipfile.ZipFile(file) as archive:
        content = archive.read("x.npy")
    with warnings.catch_warnings(), zipfile.ZipFile(file, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("x.npy", content)
    return file


# name, text of the configuration, options of `run`, what the line must say (place, remedy)
CONFIGS = [
    ("empty file", "", [], ["run.json", "JSON"]),
    ("not an object", "[1, 2]", [], ["run.json", "{"]),
    ("missing comma", '{"platform": {}\n"workload": {}}', [], ["line 2, column 1", "well-formed"]),
    ("trailing text", config() + "}", [], ["line 1", "well-formed"]),
    ("key twice", '{"platform": {}, "platform": {}}', [], ['"platform" stands twice', "keep one"]),
    ("no workload", config(workload=None), [], ["no /workload", "give the section"]),
    ("no platform", config(platform=None), [], ["no /platform", "give the section"]),
    ("unknown section", config(trian={}), [], ["/trian", 'did you mean "train"?']),
    ("misspelt key", cluster(coers=4), [], ["/platform/cluster/coers", 'did you mean "cores"?']),
    ("key in the wrong place", config(platform={"cores": 4}), [], ["did you mean /platform/cluster/cores?"]),
    ("string for a number", cluster(cores="8"), [], ["/platform/cluster/cores", "an integer from 1 to 16"]),
    ("fraction for an integer", cluster(cores=2.5), [], ["/platform/cluster/cores", "an integer"]),
    ("number for a truth value", cluster(controller=1), [], ["/platform/cluster/controller", "true or false"]),
    ("null for a number", cluster(cores=None), [], ["/platform/cluster/cores", "an integer"]),
    ("number for a section", config(platform={"cluster": 4}), [], ["/platform/cluster", "give an object"]),
    ("zero cores", cluster(cores=0), [], ["/platform/cluster/cores", "from 1 to 16"]),
    ("negative cores", cluster(cores=-3), [], ["/platform/cluster/cores", "from 1 to 16"]),
    ("seventeen harts", cluster(cores=16), [], ["17 harts", "controller false"]),
    ("three banks", cluster(tcdm={"banks": 3}), [], ["/platform/cluster/tcdm/banks", "a power of two"]),
    ("size no multiple of banks", cluster(tcdm={"size": 131074}), [], ["tcdm/size", "a multiple of 64"]),
    ("port wider than the banks", cluster(redmule={"height": 8}), [], ["/platform/cluster/redmule", "banks"]),
    ("zero clock", cluster(clock_hz=0), [], ["/platform/cluster/clock_hz", "from 1000000"]),
    ("unknown word", cluster(dma={"engine": "xdma"}), [], ['"mchan", "idma"']),
    ("unknown instruction set", cluster(isa="rv64gc"), [], ["/platform/cluster/isa", "rv64gc"]),
    ("number too large", cluster(hci={"max_stall": 256}), [], ["/platform/cluster/hci/max_stall", "from 0 to 255"]),
    ("unknown platform file", config(platform="platform/none.json"), [], ["/platform", "configs/"]),
    ("unknown energy file", config(energy="none.json"), [], ["/energy", "configs/"]),
    ("energy without a coefficient", config(energy={"name": "x"}), [], ["/energy", "is missing"]),
    ("training on the test map", config(platform={"map": "htif"}), [], ["/platform/map", '"pulp"']),
    ("unknown network", workload(network="deep_aee"), [], ["/workload/network", "deep_ae"]),
    ("no network at all", config(workload={"batch": 1}), [], ["/workload", "exactly one"]),
    ("two networks", workload(onnx="configs/deep_ae.json"), [], ["/workload", "exactly one"]),
    ("zero batch", workload(batch=0), [], ["/workload/batch", "from 1"]),
    ("one size", config(workload={"network": "mlp", "sizes": [3]}), [], ["/workload/sizes", "two"]),
    ("size zero", config(workload={"network": "mlp", "sizes": [3, 0]}), [], ["/workload/sizes", "from 1"]),
    ("missing inputs", workload(inputs="none.npz"), [], ["/workload/inputs", "none.npz"]),
    ("missing weights", config(train={"initial": "none.npz"}), [], ["/train/initial", "none.npz"]),
    ("unknown method", config(train={"method": "qlora"}), [], ["/train/method", '"lora"']),
    ("rank above a layer", config(train={"method": "lora", "rank": 500}), [], ["rank"]),
    ("unknown adapted layer", config(train={"method": "lora", "layers": ["fc99"]}), [], ["/train/layers", "describe"]),
    (
        "one adapted layer of several is unknown",
        config(train={"method": "lora", "layers": ["fc1", "fc-12"]}),
        [],
        ["/train/layers", "'fc-12'", "nearest is 'fc1'"],
    ),
    ("more blocks than there are", config(train={"method": "last_k", "k": 99}), [], ["99"]),
    ("no ONNX file", config(workload={"onnx": "configs/README.md"}), [], ["README.md"]),
    ("negative rate", config(train={"lr": -1}), [], ["/train/lr", "from 0"]),
    ("tile that cannot fit", config(tiling={"operators": {"fc0": {"m": 24, "n": 640, "k": 128}}}), [], ["fc0"]),
    ("tile of no operator", config(tiling={"operators": {"fc10": {"m": 4}}}), [], ["/tiling/operators/fc10", "'fc0'"]),
    (
        "tile of what has none",
        config(tiling={"operators": {"fc0.relu": {"m": 4}}}),
        [],
        ["/tiling/operators/fc0.relu", "no matrix product"],
    ),
    ("more L1 than there is", config(tiling={"l1_budget": 300_000}), [], ["/tiling/l1_budget", "262144", "at most"]),
    ("more L1 than is free", config(tiling={"l1_budget": 262_144}), [], ["/tiling/l1_budget", "the runtime leaves"]),
    ("L1 too small", cluster(tcdm={"size": 8192}), [], ["tcdm"]),
    ("pointer without slash", config(), ["--set", "platform/cluster/cores=4"], ["'/'", "--set /json/pointer=VALUE"]),
    ("pointer without value", config(), ["--set", "/platform/cluster/cores"], ["no '='", "--set /json/pointer=VALUE"]),
    ("pointer through a number", config(), ["--set", "/workload/batch/x=1"], ["/workload/batch", "no keys"]),
    ("pointer to nowhere", config(), ["--set", "/platform/cluster/banks=4"], ["unknown key", "tcdm/banks"]),
    (
        "paging to flash in the model tier",
        config(schedule={"policy": "page", "page_to": "flash"}),
        ["--tier", "model"],
        ["/schedule/page_to", "not available"],
    ),
    ("trace in the model tier", config(), ["--tier", "model", "--trace"], ["/run/trace", "not available"]),
    ("tier of an older name", config(), ["--tier", "tile"], ["/run/tier", "model"]),
    ("unknown engine", config(), ["--engine", "warp"], ["/run/engine", '"lockstep"']),
    ("policy of old", config(schedule={"policy": "recompute"}), [], ["/schedule/policy", "checkmate"]),
    ("schedule that is not there", config(schedule={"file": "no.sched"}), [], ["/schedule/file", "no file"]),
    *[
        (
            f"too large: {name}",
            config(workload=workload_),
            [],
            ["/workload", "bytes, and L2 and HyperRAM have 69206016"],
        )
        for name, workload_ in [
            ("mlp", {"network": "mlp", "sizes": [65535] * 40}),
            ("wide", {"network": "mlp", "sizes": [65535, 65535, 65535], "batch": 65535}),
            ("batch", {"network": "deep_ae", "batch": 65535}),
            ("transformer", {"network": "bert", "sizes": [64, 60000, 2, 65535, 4]}),
        ]
    ],
    (
        "too large: attention",
        config(workload={"network": "bert", "sizes": [65535, 128, 2, 128, 1]}),
        [],
        ["/workload", "alone is", "bytes, and L2 and HyperRAM have 69206016"],
    ),
    ("too many layers", config(workload={"network": "mlp", "sizes": [8] * 20_000}), [], ["19999 layers", "1024"]),
    (
        "too many blocks",
        config(workload={"network": "bert", "sizes": [8, 8, 2, 8, 65535]}),
        [],
        ["65535 blocks", "256"],
    ),
    (
        "too large for L2",
        config(workload={"network": "mlp", "sizes": [1000, 1000, 1000], "home": "l2"}),
        [],
        ["/workload", "8012000 bytes, and L2 has 2097152"],
    ),
    ("unknown option", config(), ["--frobnicate"], ["--frobnicate", "--help"]),
]


def assert_refused(done, says, tmp_path, before):
    assert done.returncode == 2, done.stderr or done.stdout
    assert done.stderr.count("\n") == 1, done.stderr
    for words in says:
        assert words in done.stderr
    assert done.stdout == ""
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def refused_run(tmp_path, text: str, options, says):
    (tmp_path / "run.json").write_text(text)
    before = sorted(p.name for p in tmp_path.iterdir())
    done = run("run", tmp_path / "run.json", "--out", tmp_path / "out", *options, timeout=60)
    assert_refused(done, says, tmp_path, before)


@pytest.mark.parametrize(("text", "options", "says"), [c[1:] for c in CONFIGS], ids=[c[0] for c in CONFIGS])
def test_wrong_configuration(tmp_path, text, options, says):
    refused_run(tmp_path, text, options, says)


def test_missing_configuration(tmp_path):
    done = run("run", tmp_path / "none.json", "--out", tmp_path / "out")
    assert_refused(done, ["none.json", "configs/"], tmp_path, [])


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "run.json").write_text(config())
    done = run("run", tmp_path / "run.json", "--out", tmp_path / "file" / "out")
    assert_refused(done, ["--out", "another folder"], tmp_path, ["file", "run.json"])


ARRAYS = [
    ("truncated", truncated_npz, ["cut.npz"]),
    ("no array", npz_of_text, ["text.npz"]),
    ("not a number", lambda p: npz(p, "nan.npz", x=samples(float("nan"))), ["nan.npz", "NaN", "finite"]),
    ("infinite", lambda p: npz(p, "inf.npz", x=samples(float("inf"))), ["inf.npz", "finite"]),
    ("wrong shape", lambda p: npz(p, "small.npz", x=samples(features=639)), ["small.npz", "shape", "640"]),
    (
        "other shape of as many elements",
        lambda p: npz(p, "folded.npz", x=samples().reshape(24, 16, 40)),
        ["folded.npz", "[24,16,40]", "[samples, 640]"],
    ),
    ("no samples", lambda p: npz(p, "none.npz", x=samples()[:0]), ["none.npz", "[samples, 640]"]),
    ("member twice", member_twice, ["twice.npz", "already exists"]),
    ("wrong member", lambda p: npz(p, "other.npz", z=samples()), ["other.npz", "member"]),
]


@pytest.mark.parametrize(("make", "says"), [c[1:] for c in ARRAYS], ids=[c[0] for c in ARRAYS])
def test_wrong_inputs(tmp_path, make, says):
    refused_run(tmp_path, workload(inputs=make(tmp_path)), [], says)


def test_inputs_that_do_not_fit_each_other(tmp_path):
    import numpy

    images = numpy.zeros((6, 3, 32, 32), numpy.float32)
    labels = numpy.arange(6)
    for text, network, arrays in [
        ("'y'", "cct2", {"x": images, "y": labels[:5]}),
        ("the label of sample 5 is", "cct2", {"x": images, "y": labels * 2}),
        ("the label of sample 0 is", "cct2", {"x": images, "y": labels - 1.0}),
        ("the label of sample 1 is", "cct2", {"x": images, "y": labels / 2}),
        ("[samples, 3, 32, 32]", "cct2", {"x": images.transpose(0, 2, 3, 1), "y": labels}),
        ("'target'", "mlp", {"input": images[:, 0, 0, :9], "target": images[:4, 0, 0, :4]}),
    ]:
        file = npz(tmp_path, "inputs.npz", **arrays)
        sizes = {"sizes": [9, 6, 4]} if network == "mlp" else {}
        given = {"network": network, "inputs": file, "batch": 2, **sizes}
        root = config(workload=given, train={"method": "linear_probe"})
        refused_run(tmp_path, root, [], ["inputs.npz", text])


def test_programs_that_are_no_files(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    with open(tmp_path / "holes", "wb") as out:
        out.truncate(1 << 40)
    before = sorted(p.name for p in tmp_path.iterdir())
    for file in (tmp_path / "pipe", tmp_path / "folder", "/dev/zero", "/dev/null"):
        done = run("elf", file, timeout=20)
        assert_refused(done, [str(file), "no regular file", "RV32 ELF"], tmp_path, before)
    assert_refused(run("elf", tmp_path / "holes", timeout=20), ["holes", "1099511627776 bytes"], tmp_path, before)
    for kind in ("hci", "dma"):
        done = run("replay", kind, tmp_path / "pipe", timeout=20)
        assert_refused(done, ["pipe"], tmp_path, before)
    done = run("gemm", "--shapes", tmp_path / "pipe", timeout=20)
    assert_refused(done, ["pipe"], tmp_path, before)


@pytest.mark.parametrize("case", ["truncated", "text", "empty", "missing", "other machine"])
def test_wrong_program(tmp_path, case):
    whole = (BUILD / "kernels/runtime.elf").read_bytes()
    other = io.BytesIO(whole)
    other.seek(18)
    other.write(b"\x03")  # e_machine: i386
    texts = {"truncated": whole[:200], "text": b"int main;", "empty": b"", "other machine": other.getvalue()}
    if case in texts:
        (tmp_path / "program.elf").write_bytes(texts[case])
    before = sorted(p.name for p in tmp_path.iterdir())
    assert_refused(run("elf", tmp_path / "program.elf"), ["program.elf"], tmp_path, before)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], ["subcommand"]),
        (["frobnicate"], ["--help"]),
        (["run"], ["config", "--help"]),
        (["describe", "none.json"], ["none.json"]),
        (["schedule", "configs/deep_ae.json", "--policy", "recompute"], ["checkmate"]),
        (["price", "none"], ["none"]),
        (["config", "schema", "none.json"], ["none.json"]),
        (["replay", "hci", "none.trc"], ["none.trc"]),
        (["replay", "dma", "none.csv"], ["none.csv"]),
        (["gemm", "--m", "0", "--n", "16", "--k", "16"], ["--m"]),
        (["gemm", "--m", "16", "--n", "16"], ["--k"]),
    ],
    ids=lambda a: " ".join(a) if isinstance(a, list) else "",
)
def test_wrong_command_line(tmp_path, arguments, says):
    assert_refused(run(*arguments), says, tmp_path, [])
