# SPDX-License-Identifier: Apache-2.0
"""A folder as etude-sim run leaves it."""

import hashlib
import json
from pathlib import Path

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "result.json"


def write_run(folder: Path, result: dict | str | None = None, resolved: str = "{}") -> Path:
    """Writes result.json (default: the golden one; a text as it stands) with what belongs beside it."""
    folder.mkdir(exist_ok=True)
    configuration = hashlib.sha256(resolved.encode()).hexdigest()
    if not isinstance(result, str):
        result = json.dumps(
            {**(json.loads(GOLDEN.read_text()) if result is None else result), "config_hash": configuration}
        )
    (folder / "config.resolved.json").write_text(resolved)
    (folder / "result.json").write_text(result)
    files = []
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.name != "manifest.json":
            content = file.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            files.append({"name": str(file.relative_to(folder)), "bytes": len(content), "sha256": digest})
    manifest = {"schema": 1, "configuration": configuration, "files": files}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
