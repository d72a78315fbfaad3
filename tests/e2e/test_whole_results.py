# SPDX-License-Identifier: Apache-2.0
"""A run's folder holds a whole result or none, however the process ends; what does not fit together is refused."""

import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from support import ROOT, SIM, run

MOMENTS = int(os.environ.get("ETUDE_KILL_MOMENTS", "6"))
SMALL = {
    "platform": "platform/traindeeploy.json",
    "workload": {"network": "mlp", "sizes": [24, 16, 24], "batch": 4},
    "train": {"lr": 0.01, "steps": 4},
}


def config(tmp_path: Path, name="run.json", **train) -> Path:
    file = tmp_path / name
    file.write_text(json.dumps({**SMALL, "train": {**SMALL["train"], **train}}))
    return file


def manifest_of(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text())


def assert_whole(folder: Path) -> str:
    """Every file is the one of the manifest, and all are of one configuration, whose hash is returned."""
    manifest = manifest_of(folder)
    for file in manifest["files"]:
        content = (folder / file["name"]).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest()), file["name"]
    result = json.loads((folder / "result.json").read_text())
    resolved = hashlib.sha256((folder / "config.resolved.json").read_bytes()).hexdigest()
    assert result["config_hash"] == resolved == manifest["configuration"]
    return resolved


def report(folder: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "etude", "report", str(folder)]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT / "python")}
    )


def one_line(done, status: int, *words: str):
    assert done.returncode == status, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    for word in words:
        assert word in done.stderr


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_the_manifest_has_every_file_and_nothing_of_an_older_run_stays(tmp_path):
    out = tmp_path / "out"
    (out / "steps").mkdir(parents=True)
    (out / "notes.txt").write_text("the user's own")
    run("run", config(tmp_path), "--out", out, "--trace", "--quiet", "--set", "/run/save_every=2", check=0)
    first = assert_whole(out)
    named = ["config.resolved.json", "outputs.npz", "result.json", "steps/2.npz", "steps/4.npz", "trace.pftrace"]
    assert sorted(file["name"] for file in manifest_of(out)["files"]) == named
    assert files(out) == sorted([*named, "manifest.json", "notes.txt"])
    assert report(out).returncode == 0 and (out / "report.html").exists()
    run("run", config(tmp_path, lr=0.02), "--out", out, "--quiet", check=0)
    assert assert_whole(out) != first
    assert files(out) == ["config.resolved.json", "manifest.json", "notes.txt", "outputs.npz", "result.json"]


def kill_while_it_runs(command, draw, longest: float) -> signal.Signals:
    """Kills a run at a random moment, half of the time while it writes its files."""
    out = Path(command[command.index("--out") + 1])
    shutil.rmtree(out / ".partial", ignore_errors=True)  # of one that was killed
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if draw.random() < 0.5:
        end = time.monotonic() + 20 * longest
        while process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(FileNotFoundError):  # gone already
                if any((out / ".partial").iterdir()):
                    break
        time.sleep(draw.random() ** 3 * 0.02)
    else:
        time.sleep(draw.random() * 1.2 * longest)
    sent = draw.choice([signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
    process.send_signal(sent)
    process.wait()
    return sent


def test_a_run_that_is_killed_leaves_a_whole_result_or_none(tmp_path):
    out = tmp_path / "out"
    options = ["--out", str(out), "--trace", "--quiet"]
    commands = [[str(SIM), "run", str(config(tmp_path, f"{lr}.json", lr=lr)), *options] for lr in (0.01, 0.02)]
    commands.append([*commands[0], "--set", "/run/save_every=1"])
    began = time.monotonic()
    subprocess.run(commands[0], cwd=ROOT, check=True)
    longest = time.monotonic() - began
    seed = random.randrange(1 << 30)
    print("seed", seed)
    draw = random.Random(seed)
    for _ in range(MOMENTS):
        (out / "report.html").write_text("the page of the result before")
        page_of = assert_whole(out) if (out / "manifest.json").exists() else None
        command = draw.choice(commands)
        sent = kill_while_it_runs(command, draw, longest)
        if sent != signal.SIGKILL:  # tidied up, and the older result or the new one is there
            assert not (out / ".partial").exists()
            assert (out / "manifest.json").exists() or "/run/save_every=1" in command
        if (out / "manifest.json").exists():
            kept = assert_whole(out)
            assert not (out / "report.html").exists() or kept == page_of
            continue
        # Nothing looks whole: no page beside a result, and what is there is refused.
        assert not ((out / "report.html").exists() and (out / "result.json").exists())
        one_line(run("price", out), 2, "manifest.json")
        done = report(out)
        assert done.returncode == 2 and done.stderr.count("\n") == 1
        for name in files(out):
            if name.endswith((".json", ".npz", ".pftrace")):
                assert (out / name).stat().st_size > 100, name
        (out / "report.html").unlink(missing_ok=True)
        subprocess.run(commands[0], cwd=ROOT, check=True)  # the next run starts from what was left
        assert_whole(out)


@contextlib.contextmanager
def small_disk(size: str):
    """A folder with so much space."""
    with tempfile.TemporaryDirectory() as folder:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True, text=True
        )
        if mounted.returncode != 0:
            pytest.skip("needs the right to mount a tmpfs")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


def test_a_full_disk_leaves_no_result(tmp_path):
    with small_disk("48k") as disk:
        for out in (disk, disk / "sub" / "out"):
            one_line(run("run", config(tmp_path), "--out", out, "--trace"), 1, "No space left on device")
            assert list(disk.iterdir()) == []
        saving = run("run", config(tmp_path, steps=30), "--out", disk / "out", "--set", "/run/save_every=1")
        one_line(saving, 1, "No space left on device", "npz")
        assert not (disk / "out" / "result.json").exists() and not (disk / "out" / ".partial").exists()
        assert all((disk / "out" / name).stat().st_size > 100 for name in files(disk / "out"))


def test_a_full_disk_keeps_the_result_before(tmp_path):
    with small_disk("600k") as disk:
        run("run", config(tmp_path), "--out", disk / "out", "--quiet", check=0)
        filler = disk / "filler"
        filler.write_bytes(bytes(shutil.disk_usage(disk).free - 20_000))  # less than a page
        assert report(disk / "out").returncode == 1
        filler.unlink()
        before = assert_whole(disk / "out")
        assert not [name for name in files(disk / "out") if "html" in name]
        done = run("run", config(tmp_path, lr=0.02, steps=60), "--out", disk / "out", "--trace")
        one_line(done, 1, "No space left on device")
        assert assert_whole(disk / "out") == before


def test_a_folder_that_cannot_be_written_is_found_before_the_simulation(tmp_path):
    # A hundred thousand steps would take hours.
    endless = config(tmp_path, steps=100_000)
    (tmp_path / "dir" / "result.json").mkdir(parents=True)
    (tmp_path / "file").write_text("")
    for out in ("/proc/here", "/proc/1/fd", tmp_path / "dir", tmp_path / "file", tmp_path / ("x" * 300)):
        done = run("run", endless, "--out", out, timeout=60)
        one_line(done, 2, "--out", "another folder")
    assert files(tmp_path) == ["file", "run.json"]


def test_saved_steps_are_there_when_they_are_due(tmp_path):
    out = tmp_path / "out"
    run("run", config(tmp_path), "--out", out, "--quiet", check=0)
    command = [SIM, "run", config(tmp_path, steps=100_000), "--out", out, "--set", "/run/save_every=3"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 60
        while not (out / "steps" / "6.npz").exists() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        assert process.poll() is None
        other = run("run", config(tmp_path, "other.json"), "--out", out)
        one_line(other, 2, "another run is writing there")
    finally:
        process.terminate()
        process.communicate()
    saved = files(out / "steps")
    assert {"3.npz", "6.npz"} <= set(saved) and all(int(name[:-4]) % 3 == 0 for name in saved)
    assert not (out / "result.json").exists()  # of the run before: removed with the first new step


@pytest.mark.parametrize("command", ["run", "describe", "gemm", "price", "config"])
def test_stdout_that_cannot_be_written_is_told(tmp_path, command):
    out = tmp_path / "out"
    small = config(tmp_path)
    run("run", small, "--out", out, "--quiet", check=0)
    arguments = {
        "run": ["run", small, "--out", tmp_path / "other"],
        "describe": ["describe", small],
        "gemm": ["gemm", "--m", "5", "--n", "5", "--k", "5"],
        "price": ["price", out, "--json"],
        "config": ["config", "readme"],
    }[command]
    with open("/dev/full", "w") as full:
        done = subprocess.run([SIM, *arguments], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True)
    one_line(done, 1, "stdout", "No space left on device")
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([SIM, *arguments], cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    one_line(done, 1, "stdout", "Broken pipe")


def test_the_python_command_tells_of_stdout_too(tmp_path):
    out = tmp_path / "out"
    run("run", config(tmp_path), "--out", out, "--quiet", check=0)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    for arguments in (["compare", out, out], ["report", out]):
        with open("/dev/full", "w") as full:
            command = [sys.executable, "-m", "etude", *map(str, arguments)]
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=environment)
        one_line(done, 1, "stdout", "No space left on device")


def test_results_that_do_not_fit_together_are_refused(tmp_path):
    out = tmp_path / "out"
    run("run", config(tmp_path), "--out", out, "--quiet", check=0)
    run("run", config(tmp_path, lr=0.02), "--out", tmp_path / "other", "--quiet", check=0)
    run("price", out, check=0)
    whole = {name: (out / name).read_bytes() for name in files(out)}

    def refused(*words):
        one_line(run("price", out), 2, *words)
        one_line(report(out), 2, *words)
        assert not (out / "report.html").exists()
        for name, content in whole.items():
            (out / name).write_bytes(content)

    def resigned(name: str) -> None:
        """The manifest of the folder with the entry of a file as it is now."""
        manifest = manifest_of(out)
        entry = next(file for file in manifest["files"] if file["name"] == name)
        content = (out / name).read_bytes()
        entry.update(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
        (out / "manifest.json").write_text(json.dumps(manifest))

    (out / "manifest.json").unlink()
    refused("manifest.json")
    (out / "manifest.json").write_text("{}")
    refused("manifest.json")
    for name in ("result.json", "outputs.npz", "config.resolved.json"):
        (out / name).write_bytes((tmp_path / "other" / name).read_bytes())
        refused(name)
    (out / "outputs.npz").unlink()
    refused("outputs.npz")
    for name in ("result.json", "config.resolved.json"):
        (out / name).write_bytes((tmp_path / "other" / name).read_bytes())
        resigned(name)
        refused("result.json", "configuration beside it")
    run("price", out, check=0)
