# SPDX-License-Identifier: Apache-2.0
"""The notebooks of examples/ as a reader executes them: each in an empty folder, from its question to its answer."""

import json
import os
import shutil
import time
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
    """Each notebook with its outputs (or what its execution raised), and the seconds of all; two at a time."""
    for module in ("nbclient", "ipykernel"):
        pytest.importorskip(module, reason=f"needs {module} (scripts/setup.sh --tests)")
    import nbformat
    from nbclient import NotebookClient

    home = tmp_path_factory.mktemp("notebooks")
    own = {"PYTHONPATH": str(ROOT / "python"), "ETUDE_MODEL_DATABASE": str(home / "model.sqlite")}
    own |= {"IPYTHONDIR": str(home / "ipython"), "JUPYTER_RUNTIME_DIR": str(home / "runtime")}

    def execute(name: str):
        notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
        place = home / name
        place.mkdir()
        client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(place)}})
        try:
            client.execute(env={**os.environ, **own})
        except Exception as error:
            return error
        return notebook

    begin = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        wanted = [name for name in NAMES if missing(name) is None]
        found = dict(zip(wanted, pool.map(execute, wanted), strict=True))
    print(f"notebooks: {time.monotonic() - begin:.0f} s")
    return found


def outputs_of(notebook) -> list:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_ends_with_its_answer(executed, name):
    if (reason := missing(name)) is not None:
        pytest.skip(reason)
    notebook = executed[name]
    if isinstance(notebook, Exception):
        raise notebook
    outputs = outputs_of(notebook)
    assert [output.name for output in outputs if output.output_type == "stream" and output.name != "stdout"] == []
    figures = [output.data["image/svg+xml"] for output in outputs if "image/svg+xml" in output.get("data", {})]
    assert figures and all("<rect" in figure and "nan" not in figure for figure in figures)
    (last,) = notebook.cells[-1].outputs
    assert last.text.startswith("Answer: ") and last.text.endswith(".\n") and "nan" not in last.text
    for output in outputs:  # bars are gone when the work is done
        assert "<progress" not in output.get("data", {}).get("text/html", "")


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
