# SPDX-License-Identifier: Apache-2.0
"""A folder as etude-sim run leaves it."""

import hashlib
import json
from pathlib import Path

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "result.json"


def with_l2(result: dict) -> dict:
    """The golden result with what a run says of its configuration and of L2: a weight that comes and goes, an
    activation that is made again, the loss that is always there."""

    def stay(name: str, kind: str, size: int, offset: int, begin: int, end: int, how: str, **more) -> dict:
        place = {"name": name, "kind": kind, "bytes": size, "offset": offset, "from": begin, "to": end, "how": how}
        return place | more

    stays = [
        stay("loss", "loss", 8, 120000, 0, 100000, "home", ready=55000, first_layer=2, last_layer=2),
        stay("fc0.w", "parameter", 4096, 120008, 0, 100000, "paged in", ready=20000, first_layer=0, last_layer=4)
        | {"leaves": 95000},
        stay("fc0.out", "activation", 2048, 124104, 20000, 60000, "computed", ready=20000, first_layer=0, last_layer=2),
        stay("fc0.out.recompute", "activation", 2048, 124104, 60000, 90000, "recomputed", ready=60000)
        | {"first_layer": 3, "last_layer": 3},
    ]
    # in ten parts of the step: the weight comes until cycle 20,000 and goes from 95,000 on
    use = {
        "loss": [8] * 10,
        "parameter": [0, 0, *[4096] * 7, 0],
        "transfer": [4096, 4096, *[0] * 7, 4096],
        "activation": [0, 0, *[2048] * 7, 0],
    }
    return {
        **result,
        "l2": {"begin": 0, "budget": 500_000, "stays": stays, "use": use},
        "simulator": {
            **result["simulator"],
            "command": "etude-sim run a.json --set /energy/extmem/byte/value=880",
            "changed": [{"key": "/train/steps", "value": 2, "default": 1}],
        },
    }


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
