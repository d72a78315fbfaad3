# SPDX-License-Identifier: Apache-2.0
"""The Perfetto file of a run: tracks, slices that nest nowhere, and the length of the run."""

import json

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
    names, events = {}, {}
    for _, packet in fields((folder / "trace.pftrace").read_bytes()):
        packet = dict(fields(packet))
        if 60 in packet:
            track = dict(fields(packet[60]))
            names[track[1]] = track[2].decode() if 2 in track else dict(fields(track[3]))[6].decode()
        else:
            event = dict(fields(packet[11]))
            events.setdefault(names[event[11]], []).append((packet[8], event))
    return events, json.loads((folder / "result.json").read_text())


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
        if name not in MEMORIES:
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
