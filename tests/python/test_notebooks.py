# SPDX-License-Identifier: Apache-2.0
"""The notebooks of examples/ as a reader executes them: each in an empty folder, from its question to its answer."""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "examples/notebooks"
NAMES = sorted(file.stem for file in FOLDER.glob("*.ipynb"))


def missing(name: str) -> str | None:
    """What a notebook needs that is not here."""
    if name == "own_pytorch_model":
        for module in ("torch", "onnx"):
            try:
                __import__(module)
            except ImportError:
                return f"needs {module} (scripts/setup.sh --tests)"
    if name == "own_kernel" and not (shutil.which("clang-19") and shutil.which("ld.lld-19")):
        return "needs clang-19 and lld-19 (scripts/setup.sh)"
    return None


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The folder of each notebook, with executed.ipynb, and what its execution said; two at a time."""
    for module in ("nbclient", "ipykernel"):
        pytest.importorskip(module, reason=f"needs {module} (scripts/setup.sh --tests)")
    home = tmp_path_factory.mktemp("notebooks")
    own = {"PYTHONPATH": str(ROOT / "python"), "ETUDE_MODEL_DATABASE": str(home / "model.sqlite")}
    own |= {"IPYTHONDIR": str(home / "ipython"), "JUPYTER_RUNTIME_DIR": str(home / "runtime")}

    def execute(name: str) -> tuple[Path, str]:
        folder = home / name
        folder.mkdir()
        command = [sys.executable, ROOT / "tests/support/execute_notebook.py", FOLDER / f"{name}.ipynb", folder]
        done = subprocess.run(command, env={**os.environ, **own}, capture_output=True, text=True)
        return folder, done.stderr

    with ThreadPoolExecutor(2) as pool:
        wanted = [name for name in NAMES if missing(name) is None]
        return dict(zip(wanted, pool.map(execute, wanted), strict=True))


def outputs_of(notebook: dict) -> list[dict]:
    return [output for cell in notebook["cells"] for output in cell.get("outputs", [])]


def text_of(lines: str | list[str]) -> str:
    """Notebooks hold texts as lists of lines."""
    return "".join(lines)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_ends_with_its_answer(executed, name):
    if (reason := missing(name)) is not None:
        pytest.skip(reason)
    folder, said = executed[name]
    assert (folder / "executed.ipynb").exists(), said
    notebook = json.loads((folder / "executed.ipynb").read_text())
    outputs = outputs_of(notebook)
    assert [text_of(o["text"]) for o in outputs if o["output_type"] == "stream" and o["name"] != "stdout"] == []
    shown = [output.get("data", {}) for output in outputs]
    figures = [text_of(data["image/svg+xml"]) for data in shown if "image/svg+xml" in data]
    assert figures and all("<rect" in figure and "nan" not in figure for figure in figures)
    (last,) = notebook["cells"][-1]["outputs"]
    answer = text_of(last["text"])
    assert answer.startswith("Answer: ") and answer.endswith(".\n") and "nan" not in answer
    for data in shown:  # bars are gone when the work is done
        assert "<progress" not in text_of(data.get("text/html", ""))


def test_all_are_listed_and_stand_without_outputs():
    assert len(NAMES) == 6
    listed = (ROOT / "examples/README.md").read_text()
    for name in NAMES:
        text = (FOLDER / f"{name}.ipynb").read_text()
        notebook = json.loads(text)
        assert f"(notebooks/{name}.ipynb)" in listed
        assert text == json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
        code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
        assert notebook["cells"][0]["source"][0].startswith("# ")
        assert sum(len(cell["source"]) for cell in code) <= 110, name
