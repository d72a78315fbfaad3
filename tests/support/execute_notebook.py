# SPDX-License-Identifier: Apache-2.0
"""Executes a notebook: execute_notebook.py NOTEBOOK FOLDER. It stands with its outputs as FOLDER/executed.ipynb."""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError


def main() -> None:
    file, folder = Path(sys.argv[1]), Path(sys.argv[2])
    notebook = nbformat.read(file, as_version=4)
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}})
    try:
        client.execute()
    except CellExecutionError as error:
        sys.exit(str(error))
    nbformat.write(notebook, folder / "executed.ipynb")


if __name__ == "__main__":
    main()
