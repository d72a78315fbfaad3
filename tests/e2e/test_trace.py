# SPDX-License-Identifier: Apache-2.0
"""The Perfetto file of a run: tracks, slices that nest nowhere, and the length of the run."""

import json
import struct
from collections import Counter

import pytest
from support import ROOT, run

MEMORIES = ("L1 in use", "L2 in use")
STEPS = ["--set", "/train/steps=2"]


def fields(data: bytes):
    """(field, value) of one protobuf message: integers and byte strings."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        tag = varint()
        if tag & 7 == 1:
            at += 8
            yield tag >> 3, data[at - 8 : at]
            continue
        value = varint()
        if tag & 7 == 2:
            at += value
            yield tag >> 3, data[at - value : at]
        else:
            assert tag & 7 == 0
            yield tag >> 3, value


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trace") / "out"
    run("run", ROOT / "configs/deep_ae.json", *STEPS, "--trace", "--quiet", "--out", folder, check=0)
    return events_of(folder), json.loads((folder / "result.json").read_text())


@pytest.fixture(scope="module")
def paged(tmp_path_factory):
    """One step, with all parameters at home in HyperRAM."""
    folder = tmp_path_factory.mktemp("paged") / "out"
    sets = ["--set", "/train/steps=1", "--set", "/workload/home=extmem", "--set", "/workload/batch=8"]
    run("run", ROOT / "configs/deep_ae.json", *sets, "--trace", "--quiet", "--out", folder, check=0)
    return folder, events_of(folder), json.loads((folder / "result.json").read_text())


def events_of(folder):
    """(time, event) of each track by its name; an event is its fields, with lists of numbers of arrows."""
    names, events, ranks = {}, {}, []
    for _, packet in fields((folder / "trace.pftrace").read_bytes()):
        packet = dict(fields(packet))
        if 60 in packet:
            track = dict(fields(packet[60]))
            names[track[1]] = track[2].decode() if 2 in track else dict(fields(track[3]))[6].decode()
            ranks.append(track.get(12, 0))
        else:
            event = dict(fields(packet[11]))
            for arrows in (47, 48):
                event[arrows] = [int.from_bytes(v, "little") for field, v in fields(packet[11]) if field == arrows]
            if 44 in event:
                event[30] = struct.unpack("<d", event[44])[0]
            events.setdefault(names[event[11]], []).append((packet[8], event))
    assert ranks == list(range(len(ranks)))  # sorted as they are written
    return events


def test_there_is_a_track_per_unit(trace):
    events, result = trace
    assert {"steps", "layers", "task list", *MEMORIES} <= set(events)
    drawn = {name.split()[0] for name in events}  # the DMA has a track per direction
    assert set(result["units"]) - drawn <= {"soc_dma"}  # has nothing to do when all is at home in L2


def test_every_redmule_job_is_a_slice_of_its_length(trace):
    events, result = trace
    times = [when for when, _ in events["redmule"]]
    worked = sum(end - begin for begin, end in zip(times[::2], times[1::2], strict=True))
    unit = result["units"]["redmule"]
    active = unit["busy"] + sum(cycles for reason, cycles in unit["stalls"].items() if reason != "idle")
    cycles = worked / 1e9 * result["platform"]["clock_hz"] / len(result["steps"])
    assert cycles == pytest.approx(active, rel=0.02)  # the last step against the mean of both


def test_slices_follow_each_other(trace):
    events, _ = trace
    for name, track in events.items():
        times = [when for when, _ in track]
        assert times == sorted(times), name
        if name not in MEMORIES and track[0][1][9] != 4:
            assert [event[9] for _, event in track] == [1, 2] * (len(track) // 2), name


def test_steps_have_their_length(trace):
    events, result = trace
    begin_end = [when for when, _ in events["steps"]]
    lengths = [end - begin for begin, end in zip(begin_end[::2], begin_end[1::2], strict=True)]
    clock = result["platform"]["clock_hz"]
    for length, step in zip(lengths, result["steps"], strict=True):
        assert length == pytest.approx(step["cycles"] / clock * 1e9, abs=2)


def test_memory_in_use_stays_within_the_plan(trace):
    events, result = trace
    memory = result["memory"]
    most = {name: max(event[30] for _, event in events[name]) for name in MEMORIES}
    assert 0.8 * memory["l1_peak"] < most["L1 in use"] <= memory["l1_peak"]
    # Places that rest leave room between objects: what lives at once is less than the highest end.
    assert memory["parameters"] < most["L2 in use"] <= memory["l2_peak"] - memory["l2_fixed"]


def test_l1_empties_at_the_end_of_each_step_but_for_the_runtime(trace):
    events, _ = trace
    ends = [when for when, event in events["steps"] if event[9] == 2]
    track = [(when, event[30]) for when, event in events["L1 in use"]]
    least = min(value for _, value in track)
    # stacks of 8 workers and the controller, rings and the loss are always there
    assert 9 * 1024 <= least < 32 * 1024
    for end in ends:
        assert [value for when, value in track if when <= end][-1] == least


def test_transfers_have_tensors_and_layers(paged):
    _, events, result = paged
    tensors = {stay["name"] for stay in result["l2"]["stays"]}
    layers = {layer["name"] for layer in result["layers"]}
    for track, ways in (("dma in", ("in",)), ("dma out", ("out",)), ("soc_dma", ("page in", "page out"))):
        named = [event[23].decode() for _, event in events[track] if event[9] == 1]
        named = [name for name in named if not name.startswith("task list, ")]
        assert named
        for name in named:
            what, layer = name.removesuffix(")").split(" (")
            tensor, way = what.split(", ")[0].split(" ", 1)
            assert way in ways and tensor in tensors and layer in layers, name
    work = [event[23].decode() for _, event in events["redmule"] if event[9] == 1]
    assert {name.split(": ")[0] for name in work} <= layers
    macs = [m * n * k for m, n, k in (map(int, name.split(": ")[1].split("x")) for name in work)]
    assert sum(macs) == result["counters"]["redmule.fma_useful"]


def test_arrows_go_from_transfers_to_jobs_and_kernels(paged):
    _, events, _ = paged
    begins, ends = {}, {}
    for track, mine in events.items():
        for when, event in mine:
            begins |= {number: (track, when, event) for number in event[47]}
            ends |= {number: (track, when, event) for number in event[48]}
    assert set(begins) == set(ends) and len(begins) > 100
    ways = Counter()
    for number, (track, when, _) in begins.items():
        assert ends[number][1] >= when
        ways[track.rstrip("0123456789"), ends[number][0].rstrip("0123456789")] += 1
    assert all(a != b for a, b in ways)
    for way in (
        ("soc_dma", "dma in"),
        ("dma in", "redmule"),
        ("redmule", "core"),
        ("core", "dma out"),
        ("dma in", "core"),
    ):
        assert ways[way] > 0, way


def integral(track, result) -> float:
    """Of a number over the cycles of the run."""
    seconds = sum(a[1][30] * (b[0] - a[0]) / 1e9 for a, b in zip(track, track[1:], strict=False))
    assert track[-1][1][30] == 0
    return seconds * result["platform"]["clock_hz"]


def test_bandwidths_are_the_bytes_that_were_moved(paged):
    _, events, result = paged
    traffic, counters = result["traffic"], result["counters"]
    lists = sum(
        int(event[23].decode().split()[2])
        for _, event in events["dma in"]
        if event[9] == 1 and event[23].startswith(b"task list, ")
    )
    moved = {"L2 to L1": traffic["l2_l1_read"], "L1 to L2": traffic["l2_l1_write"]}
    moved["L3 and L2"] = counters["soc_dma.ext_to_l2_bytes"] + counters["soc_dma.l2_to_ext_bytes"]
    assert lists > 0
    for name, count in moved.items():
        assert integral(events[name], result) == pytest.approx(count, rel=1e-4), name


def test_stalls_over_time_are_the_stalls_of_the_step(paged):
    _, events, result = paged
    found = [name for name in events if " stalled: " in name]
    told = {}
    for name, unit in result["units"].items():
        for reason, cycles in unit["stalls"].items():
            group = "cores" if name.startswith("core") else name
            told[f"{group} stalled: {reason}"] = told.get(f"{group} stalled: {reason}", 0) + cycles
    told = {name: cycles for name, cycles in told.items() if cycles and not name.endswith(": idle")}
    assert sorted(told) == found  # in the order of their names
    for name, cycles in told.items():
        assert integral(events[name], result) == pytest.approx(cycles, rel=1e-4, abs=2), name


def test_perfetto_reads_the_trace(paged):
    """Every field is one of Perfetto's own messages, and every track has a descriptor."""
    trace = pytest.importorskip("perfetto.protos.perfetto.trace.perfetto_trace_pb2").Trace()
    trace.ParseFromString((paged[0] / "trace.pftrace").read_bytes())
    tracks = {p.track_descriptor.uuid: p.track_descriptor for p in trace.packet if p.HasField("track_descriptor")}
    root = next(track for track in tracks.values() if track.HasField("process"))
    assert root.child_ordering == root.ChildTracksOrdering.EXPLICIT
    assert {t.parent_uuid for t in tracks.values() if t is not root} == {root.uuid}
    unknown = pytest.importorskip("google.protobuf.unknown_fields").UnknownFieldSet
    for packet in trace.packet:
        assert [len(unknown(part)) for part in (packet, packet.track_event, packet.track_descriptor)] == [0, 0, 0]
        assert packet.HasField("track_descriptor") or packet.track_event.track_uuid in tracks
    flows = [set(), set()]
    for packet in trace.packet:
        flows[0].update(packet.track_event.flow_ids)
        flows[1].update(packet.track_event.terminating_flow_ids)
    assert flows[0] == flows[1] and flows[0]
