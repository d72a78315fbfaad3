# SPDX-License-Identifier: Apache-2.0
"""Cost tables of devices: networks are the published graphs, count what PyTorch counts; bad input is refused."""

import json
from collections import Counter

import numpy as np
import onnx_file
import pytest
from support import ROOT, run, shared

DEVICES = ROOT / "configs/devices"
M4F = DEVICES / "nrf52840.json"


def answer(*arguments, check=0) -> dict:
    return json.loads(run("schedule", *arguments, "--json", check=check).stdout)


@pytest.mark.parametrize(
    "network, device, instance",
    [
        ("resnet18_cifar", "nrf52840", "resnet18_cifar_m4f"),
        ("resnet18_cifar", "raspberry_pi_4", "resnet18_cifar_a72"),
        ("resnet18", "nrf52840", "resnet18_m4f"),
        ("resnet18", "raspberry_pi_4", "resnet18_a72"),
        ("resnet50", "nrf52840", "resnet50_m4f"),
        ("vgg16", "nrf52840", "vgg16_m4f"),
        ("bert_base", "nrf52840", "bert_base_m4f"),
        ("transformer_1", "nrf52840", "transformer_1_m4f"),
    ],
)
def test_networks_are_the_published_graphs(tmp_path, network, device, instance):
    """Every key of every slot; only the head differs, which has one latency and rate for both directions there."""
    published = json.loads(shared(f"cases/schedule/{instance}.json").read_text())
    table = DEVICES / f"{device}.json"
    got = answer(network, "--device", table, "--policy", "keep", "--write-graph", tmp_path / "graph.json")
    graph = json.loads((tmp_path / "graph.json").read_text())
    assert len(graph["slots"]) == len(published["slots"])
    for ours, theirs in zip(graph["slots"], published["slots"], strict=True):
        for key, value in theirs.items():
            wanted = pytest.approx(value, rel=1e-12) if isinstance(value, float) else value
            assert ours[key] == wanted, (ours["name"], key)
    assert got["peak_keep"] == graph["peak_keep_bytes"] == published["peak_keep_bytes"]
    assert got["energy_j"] == pytest.approx(published["energy_keep_j"], rel=1e-12)
    # The file that was written is one that --device reads, and is the same problem.
    again = answer("--device", tmp_path / "graph.json", "--policy", "keep")
    assert (again["energy_j"], again["time_s"]) == (got["energy_j"], got["time_s"])


def resnet(torch, blocks, bottleneck):
    """torchvision's ResNet, written down once more."""
    nn = torch.nn

    def conv(i, o, k, s=1):
        return nn.Sequential(nn.Conv2d(i, o, k, s, k // 2, bias=False), nn.BatchNorm2d(o))

    class Block(nn.Module):
        def __init__(self, i, c, s):
            super().__init__()
            o = 4 * c if bottleneck else c
            if bottleneck:
                self.body = nn.Sequential(conv(i, c, 1), nn.ReLU(), conv(c, c, 3, s), nn.ReLU(), conv(c, o, 1))
            else:
                self.body = nn.Sequential(conv(i, c, 3, s), nn.ReLU(), conv(c, c, 3))
            self.skip = nn.Identity() if s == 1 and i == o else conv(i, o, 1, s)

        def forward(self, x):
            return (self.body(x) + self.skip(x)).relu()

    layers, width = [conv(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)], 64
    for stage, count in enumerate(blocks):
        for block in range(count):
            layers.append(Block(width, 64 << stage, 2 if stage and not block else 1))
            width = (64 << stage) * (4 if bottleneck else 1)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 1000))


def vgg16(torch):
    nn, layers, width = torch.nn, [], 3
    for count, channels in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
        for _ in range(count):
            layers += [nn.Conv2d(width, channels, 3, 1, 1), nn.ReLU()]
            width = channels
        layers.append(nn.MaxPool2d(2))
    head = [nn.Linear(25088, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout()]
    return nn.Sequential(*layers, nn.Flatten(), *head, nn.Linear(4096, 1000))


@pytest.mark.parametrize("network, batch", [("resnet18", 1), ("resnet18", 2), ("resnet50", 1), ("vgg16", 1)])
def test_products_are_those_of_pytorchs_flop_counter(network, batch):
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        models = {"resnet18": lambda: resnet(torch, (2, 2, 2, 2), False), "vgg16": lambda: vgg16(torch)}
        model = models.get(network, lambda: resnet(torch, (3, 4, 6, 3), True))()
        images, labels = torch.empty(batch, 3, 224, 224), torch.zeros(batch, dtype=torch.long)
        with FlopCounterMode(display=False) as counter:
            torch.nn.functional.cross_entropy(model(images), labels).backward()
    products = Counter()
    for operator, flop in counter.get_flop_counts()["Global"].items():
        products[str(operator).split(".")[-1]] += flop
    got = answer(network, "--device", M4F, "--graph", "corrected", "--batch", batch, "--policy", "keep")["flop"]
    ours = got["operators"]
    assert ours["Conv2dLayer"]["forward"] == products["convolution"]
    assert ours["Conv2dLayer"]["backward"] == products["convolution_backward"]
    # Linear layers: PyTorch counts no bias; ours adds one operation for each result, twice in the backward pass.
    bias = batch * sum(m.out_features for m in model.modules() if isinstance(m, torch.nn.Linear))
    assert ours["LinearLayer"]["forward"] - bias == products["addmm"]
    assert ours["LinearLayer"]["backward"] - 2 * bias == products["mm"]


@pytest.mark.parametrize("network", ["cct2", "cct7", "deep_ae", "resnet8", "bert"])
def test_compiled_steps_on_a_cost_table(network):
    got = answer(network, "--device", M4F, "--policy", "keep")
    table = json.loads(M4F.read_text())
    flop = sum(got["flop"][phase] for phase in ("forward", "backward", "update"))
    assert got["time_s"] >= flop / table["flop_per_s"]["value"] * (1 - 1e-9)
    assert got["energy_j"] > flop / table["flop_per_j"]["value"]  # what comes from home besides
    assert got["replay"]["ok"] and "l2_fixed" not in got


def test_a_configuration_names_a_counted_network(tmp_path):
    config = tmp_path / "c.json"
    config.write_text(json.dumps({"platform": {}, "workload": {"network": "resnet18_cifar", "batch": 2}}))
    by_config = answer(config, "--device", M4F, "--policy", "keep")
    by_name = answer("resnet18_cifar", "--device", "devices/nrf52840.json", "--batch", 2, "--policy", "keep")
    assert by_config["energy_j"] == by_name["energy_j"]
    assert by_config["peak_keep"] == by_name["peak_keep"]
    assert "--device" in run("schedule", config, check=2).stderr


def test_one_table_of_all_policies_with_accumulation():
    arguments = ["resnet18_cifar", "--device", M4F, "--batch", 4, "--budget", 0.4, "--time-limit", 1.5]
    rows = {row["policy"]: row for row in answer(*arguments, "--compare")["policies"]}
    assert list(rows) == ["keep", "sqrt", "checkmate", "page", "capuchin", "pofo", "poet", "accumulate", "optimal"]
    found = {name for name, row in rows.items() if row["status"] in ("optimal", "feasible")}
    assert found >= {"sqrt", "page", "capuchin", "pofo", "accumulate", "optimal"}
    for name, row in rows.items():
        if name in found:
            assert row["replay"]["ok"] and row["peak_bytes"] <= row["budget"]
        else:
            assert row["reason"]
    accumulate, optimal = rows["accumulate"], rows["optimal"]
    # Half of the batch does not fit by keeping; a quarter does.
    assert (accumulate["accumulate"], accumulate["pass_policy"]) in ((2, "optimal"), (4, "keep"))
    assert accumulate["energy_j"] == pytest.approx(rows["keep"]["energy_j"] + accumulate["overhead"])
    # Recomputation alone is as good here, up to the gap of either search.
    assert all(optimal["energy_j"] <= rows[name]["energy_j"] for name in ("sqrt", "page", "capuchin", "pofo"))
    assert rows["keep"]["status"] == "infeasible" and "bytes" in rows["keep"]["reason"]


def test_what_cannot_be_split_or_fit_is_a_row_with_its_reason():
    rows = answer("transformer_1", "--device", M4F, "--budget", 1000, "--compare", "--time-limit", 1)["policies"]
    assert all(row["status"] in ("infeasible", "unknown") and row["reason"] for row in rows)
    assert "one sample" in next(row["reason"] for row in rows if row["policy"] == "accumulate")


def test_assumed_figures_and_inconsistencies_are_said():
    text = " ".join(answer("resnet18", "--device", DEVICES / "jetson_tx2.json", "--policy", "keep")["warnings"])
    assert "assumed: flop_per_s" in text and "assumed: flop_per_j" in text
    a72 = " ".join(answer("resnet18", "--device", DEVICES / "raspberry_pi_4.json", "--policy", "keep")["warnings"])
    assert "flop_per_s over compute_w is 6.66667e+08 FLOP/J, flop_per_j says 4.01158e+07" in a72


def damaged(change) -> dict:
    table = json.loads(M4F.read_text())
    change(table)
    return table


@pytest.mark.parametrize(
    "change, says",
    [
        (lambda t: t.update(flops_per_s=t.pop("flop_per_s")), 'the nearest is "flop_per_s"'),
        (lambda t: t.pop("page_w"), '"page_w"'),
        (lambda t: t.update(page_w=0.33), "value, unit, status and source"),
        (lambda t: t["page_w"].update(value="0.33"), '"value"'),
        (lambda t: t["flop_per_s"].update(value=0), '"value"'),
        (lambda t: t["page_w"].update(value=-1), '"value"'),
        (lambda t: t["flop_per_s"].update(unit="MFLOP/s"), "FLOP/s"),
        (lambda t: t["flop_per_s"].update(status="guessed"), "assumed"),
        (lambda t: t["flop_per_s"].update(source=""), "source"),
        (lambda t: t["flop_per_s"].pop("source"), "source"),
        (lambda t: t.update(inconsistencies="none"), "inconsistencies"),
        (lambda t: t.update(name=3), "name"),
        (lambda t: t.update(memory_bytes={**t["page_w"], "unit": "B", "value": 0}), '"value"'),
        (lambda t: t.update(memory_bytes={**t["page_w"], "unit": "B", "value": 99.5}), "whole number"),
    ],
)
def test_bad_tables_are_refused_in_one_line(tmp_path, change, says):
    file = tmp_path / "table.json"
    file.write_text(json.dumps(damaged(change)))
    done = run("schedule", "resnet18", "--device", file, "--policy", "keep", check=2)
    assert says in done.stderr and str(file) in done.stderr
    assert done.stderr.count("\n") == 1 and done.stdout == ""


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["--device", M4F], "nothing to schedule"),
        (["resnet81", "--device", M4F], "resnet81"),
        (["resnet18", "--device", M4F, "--batch", "0"], "--batch"),
        (["resnet18", "--device", M4F, "--graph", "right"], "--graph"),
        (["resnet18", "--device", M4F, "--set", "/workload/batch=2"], "--set"),
        (["cct2", "--device", M4F, "--write-graph", "x.json"], "--write-graph"),
        (["resnet18", "--device", "configs/platform/traindeeploy.json"], "neither"),
        (["resnet18", "--budget", "0.5"], "resnet18"),
        (["bert_base", "--device", M4F, "--graph", "corrected", "--write-graph", "x.json"], "QKTVMatrix"),
    ],
)
def test_bad_requests_are_refused_in_one_line(arguments, says):
    done = run("schedule", *arguments, check=2)
    assert says in done.stderr
    assert done.stderr.count("\n") == 1 and done.stdout == ""
    assert not (ROOT / "x.json").exists()


def perceptron(folder, *sizes) -> str:
    """A configuration of a perceptron of those sizes, one sample."""
    nodes, held, x = [], [], "x"
    for i, (fan_in, out) in enumerate(zip(sizes, sizes[1:], strict=False)):
        held += [onnx_file.constant(f"w{i}", np.ones((fan_in, out), np.float32))]
        nodes.append(onnx_file.node("MatMul", [x, f"w{i}"], [f"z{i}"]))
        x = f"z{i}"
        if i < len(sizes) - 2:
            nodes.append(onnx_file.node("Relu", [x], [f"y{i}"]))
            x = f"y{i}"
    ends = [onnx_file.value("x", (1, sizes[0]))], [onnx_file.value(x, (1, sizes[-1]))]
    onnx_file.write(folder / "net.onnx", nodes, held, *ends)
    config = folder / "net.json"
    config.write_text(json.dumps({"platform": {}, "workload": {"onnx": str(folder / "net.onnx")}}))
    return str(config)


def test_what_fits_into_an_atmega328p_is_answered_and_what_does_not_is_refused(tmp_path):
    """An operator needs its operands and its result: 12 x 16 weights and their gradient are 1,536 bytes."""
    small = answer(perceptron(tmp_path, 12, 16, 10), "--device", "atmega328p")
    assert small["budget"] == small["memory_bytes"] == 2048
    assert small["replay"]["ok"] and small["peak_bytes"] <= 2048
    tighter = answer(perceptron(tmp_path, 12, 16, 10), "--device", "atmega328p", "--budget", small["peak_bytes"])
    assert tighter["budget"] == small["peak_bytes"]
    for sizes in ((64, 26, 10), (32, 33, 4)):
        done = run("schedule", perceptron(tmp_path, *sizes), "--device", "atmega328p", check=2)
        said = done.stderr.splitlines()[-1]
        assert "ATmega328P" in said and "no schedule fits into its 2048 bytes; operator" in said
    done = run("schedule", perceptron(tmp_path, 64, 26, 10), "--device", "atmega328p", "--budget", 4096, check=2)
    assert done.stderr.count("\n") == 1 and "4096 bytes" in done.stderr and "has 2048" in done.stderr
    assert done.stdout == ""
