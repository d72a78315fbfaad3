# SPDX-License-Identifier: Apache-2.0
"""The wheel: built by pip, it works in environments without compiler, source tree and Debian's libraries."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import textwrap
import venv
import zipfile
from pathlib import Path

import etude
import pytest
from terminal import on_a_terminal

ROOT = Path(__file__).resolve().parents[2]
STEP = {"platform": "platform/traindeeploy.json", "workload": {"network": "mlp", "sizes": [9, 6, 4], "batch": 2}}
BUNDLED = ("libsystemc", "libhighs", "libprotobuf", "libonnx_proto", "libzip", "libdw", "libelf")


def call(*command, **options) -> subprocess.CompletedProcess:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    """Built in build-wheel, which stays: only what has changed is compiled."""
    pytest.importorskip("scikit_build_core", reason="needs scikit-build-core (scripts/setup.sh)")
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "wheel", "-q", "--disable-pip-version-check")
    # By the compiler's name that scripts/build.sh uses: a compiler cache tells them apart.
    compilers = {"CC": "cc", "CXX": "c++"}
    call(*pip, "--no-deps", "--no-build-isolation", "-w", folder, ROOT, env={**os.environ, **compilers})
    (built,) = folder.glob("etude-*.whl")
    return built


def environment(folder: Path, wheel: Path) -> Path:
    """A fresh virtual environment with the wheel; what it depends on is lent by this one. Its interpreter."""
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    call(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", wheel)
    (site,) = folder.glob("lib/python3*/site-packages")
    (site / "lent.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return python


@pytest.fixture(scope="session")
def python(wheel, tmp_path_factory) -> Path:
    return environment(tmp_path_factory.mktemp("first") / "venv", wheel)


def bare(python: Path, folder: Path) -> dict:
    """An environment in which nothing is found but the interpreter: no compiler, no source tree, no etude-sim."""
    return {"PATH": str(python.parent), "HOME": str(folder), "LANG": "C.UTF-8"}


def run_in(python: Path, folder: Path, *command) -> str:
    return call(python, *command, cwd=folder, env=bare(python, folder)).stdout


def test_what_is_inside(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    native = [name.removeprefix("etude/native/") for name in names if name.startswith("etude/native/")]
    assert {"etude-sim", "configs/deep_ae.json", "_core.pyi"} <= set(native)
    assert {"kernels/runtime.elf", "kernels/runtime_decode.elf"} <= set(native)
    for library in BUNDLED:
        assert len([name for name in native if name.startswith(f"lib/{library}")]) == 1, library
    assert not [name for name in native if name.startswith(("lib/libc.", "lib/libstdc++", "lib/libpython"))]
    assert "etude/py.typed" in names and "etude/report/page.css" in names
    assert not [name for name in names if name.endswith((".cpp", ".pyc"))]
    headers = {name.removeprefix("include/") for name in native if name.endswith(".h")}
    assert "program/start.c" in native and "program/link.ld" in native  # for programs of one's own
    assert {"kernels/include/etude_cluster.h", "models/base/pulp_map_regs.h"} <= headers
    assert all(name.startswith("kernels/include/") or name.endswith("_regs.h") for name in headers)
    assert wheel.stat().st_size < 40e6


def test_it_works_without_compiler_and_source(python, tmp_path):
    (tmp_path / "step.json").write_text(json.dumps(STEP))
    code = """if True:
        import etude, json, sys
        config = etude.load("step.json").set("/train/steps", 2)
        result = etude.run(config, out="out")
        described = etude.describe("deep_ae.json")
        found = etude.schedule(config, budget=1.0)
        priced = etude.price(result, {"/energy/supply_v": 0.8})
        print(json.dumps([etude.__file__, etude.__version__, result.check.passed, result.layers.height,
                          described.macs.total, found.status, priced.energy.total < 2 * result.energy.total]))
    """
    file, version, passed, layers, macs, status, cheap = json.loads(run_in(python, tmp_path, "-c", code))
    assert Path(file).is_relative_to(python.parents[1]) and version == (ROOT / "VERSION").read_text().strip()
    assert passed and layers > 3 and macs > 1e6 and status in ("optimal", "feasible") and cheap
    command = python.parent / "etude"
    assert run_in(command, tmp_path, "--version").strip() == version
    assert run_in(command, tmp_path, "describe", "cct2_lora.json", "--json").startswith("{")
    assert json.loads(run_in(command, tmp_path, "schema", "run"))["title"]
    page = run_in(command, tmp_path, "report", "out").strip()
    assert (tmp_path / page).stat().st_size > 20_000


def ten_lines(text: str) -> str:
    """The first block of code under "In Python" of the README."""
    section = text.split("## In Python\n")[1].split("\n## ")[0]
    (block,) = re.findall(r"^    import etude\n(?:    .*\n|\n(?=    ))+", section, re.M)[:1]
    return textwrap.dedent(block)


def test_readmes_ten_lines_run_24_points_with_a_bar_and_a_page(python, tmp_path):
    code = ten_lines((ROOT / "README.md").read_text())
    assert len([line for line in code.splitlines() if line.strip()]) == 10
    (tmp_path / "ten.py").write_text(code)
    environment = {**bare(python, tmp_path), "TERM": "xterm-256color", "COLUMNS": "160"}
    status, said = on_a_terminal([str(python), "ten.py"], cwd=tmp_path, env=environment)
    assert status == 0, said
    assert re.search(r"array: \d+ of 24 points", said) and "━" in said  # the bar
    assert "24 points: 24 done, 0 infeasible, 0 failed" in said
    page = tmp_path / said.strip().splitlines()[-1].strip()
    assert page.name == "report.html" and page.stat().st_size > 20_000
    study = etude.open_study(tmp_path / "out/array")
    status, again = on_a_terminal([str(python), "ten.py"], cwd=tmp_path, env=environment)
    assert status == 0 and again.strip().endswith(str(page.relative_to(tmp_path)))
    assert study.points.equals(etude.open_study(tmp_path / "out/array").points)


def loaded(python: Path, program: Path, folder: Path) -> dict[str, str]:
    """The libraries that the loader finds for a program or module, by name."""
    lines = call("ldd", program, cwd=folder, env=bare(python, folder) | {"PATH": os.environ["PATH"]}).stdout
    pairs = [line.split(" => ") for line in lines.splitlines() if " => " in line]
    return {name.strip(): place.split(" (")[0] for name, place in pairs}


def test_its_libraries_are_its_own(python, tmp_path):
    (native,) = python.parents[1].glob("lib/python3*/site-packages/etude/native")
    (module,) = native.glob("_core*.so")
    for program in (native / "etude-sim", module):
        found = loaded(python, program, tmp_path)
        assert "not found" not in found.values()
        ours = {name: place for name, place in found.items() if name.startswith(BUNDLED)}
        assert ours and all(Path(place).resolve().is_relative_to(native.resolve()) for place in ours.values()), ours
    assert not any(name.startswith("libsystemc") for name in loaded(python, module, tmp_path))


def test_a_second_environment_gives_the_same_result(wheel, python, tmp_path):
    second = environment(tmp_path / "second", wheel)
    (tmp_path / "step.json").write_text(json.dumps(STEP))
    code = "import etude; r = etude.run('step.json').raw; r.pop('simulator'); import json; print(json.dumps(r))"
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    assert run_in(second, tmp_path, "-c", code) == run_in(python, tmp_path, "-c", code)


def test_a_process_that_has_other_libraries_of_onnx_and_torch(python, tmp_path):
    for name in ("onnx", "torch"):
        pytest.importorskip(name, reason=f"needs {name} (scripts/setup.sh --tests)")
    code = "import torch, onnx, etude; etude.load('deep_ae.json'); print(torch.ones(2).sum().item())"
    assert run_in(python, tmp_path, "-c", code) == "2.0\n"


def test_missing_packages_are_one_line(tmp_path):
    """CMake on a machine that lacks SystemC: what was not found, and what to install."""
    hidden = ["-DCMAKE_DISABLE_FIND_PACKAGE_SystemC=ON", "-DCMAKE_DISABLE_FIND_PACKAGE_LibDw=ON"]
    command = ["cmake", "-S", ROOT, "-B", tmp_path / "build", "-G", "Ninja", "-DBUILD_TESTING=OFF", *hidden]
    fake = tmp_path / "dpkg-query"
    fake.write_text("#!/bin/sh\nfor last; do :; done\ncase $last in libsystemc-dev|libdw-dev) exit 1;; esac\n")
    with fake.open("a") as script:
        script.write("printf 'install ok installed'\n")
    fake.chmod(0o755)
    command.append(f"-DETUDE_DPKG_QUERY={fake}")
    done = subprocess.run([*map(str, command)], capture_output=True, text=True)
    assert done.returncode != 0
    (line,) = [line for line in done.stderr.splitlines() if "etude:" in line]
    said = "etude: not found: SystemC LibDw; run scripts/setup.sh, or install Debian's libsystemc-dev libdw-dev"
    assert line.strip() == said
