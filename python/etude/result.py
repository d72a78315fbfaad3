# SPDX-License-Identifier: Apache-2.0
"""Reads what a run left in its folder."""

import errno
import hashlib
import json
from pathlib import Path

from etude.errors import MachineError, UserError

SCHEMA = 1


def check_manifest(folder: Path) -> None:
    """Refuses a folder whose files are not those that its manifest names, as `etude-sim price` does."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except OSError:
        raise UserError(f"{folder}: no manifest.json in it: it holds no whole result; run again") from None
    except ValueError as error:
        raise UserError(f"{folder / 'manifest.json'}: not JSON ({error}); run again") from None
    digests = {}
    try:
        for entry in manifest["files"]:
            file = folder / entry["name"]
            digests[entry["name"]] = hashlib.sha256(file.read_bytes()).hexdigest()
            if digests[entry["name"]] != entry["sha256"]:
                raise UserError(f"{file}: is not the file that the run wrote (manifest.json); run again")
        configuration = manifest["configuration"]
    except OSError as error:
        raise UserError(f"{error.filename}: {error.strerror}, and manifest.json names it; run again") from None
    except (KeyError, TypeError):
        raise UserError(f"{folder / 'manifest.json'}: not a manifest of this version; run again") from None
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    hashes = {digests.get("config.resolved.json"), result.get("config_hash"), configuration}
    if "result.json" not in digests or len(hashes) > 1:
        raise UserError(f"{folder}: its result.json is not of the configuration beside it; run again")


def load_result(folder: Path) -> dict:
    """result.json of a run's folder (or the file itself), as etude-sim wrote it.

    Errors: UserError, also where the folder's files are not those of its manifest.
    """
    file = folder / "result.json" if folder.is_dir() else folder
    try:
        result = json.loads(file.read_text(encoding="utf-8"))
    except OSError:
        raise UserError(f"{folder}: no result.json in it; give the folder that etude run wrote") from None
    except ValueError as error:
        raise UserError(f"{file}: not JSON ({error}); run again") from None
    if not isinstance(result, dict) or result.get("schema") != SCHEMA:
        raise UserError(f"{file}: not a result of schema {SCHEMA}; run again with this version")
    if folder.is_dir() or (file.parent / "manifest.json").exists():
        check_manifest(file.parent)
    return result


def load_configuration(folder: Path) -> dict:
    """config.resolved.json of a run's folder, or of the folder of its result.json; empty where it is not at hand."""
    file = (folder if folder.is_dir() else folder.parent) / "config.resolved.json"
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError:
        return {}
    except ValueError as error:
        raise UserError(f"{file}: not JSON ({error}); run again") from None


def write_text(file: Path, text: str) -> None:
    """Writes a file that the user named. Errors: UserError; MachineError if the disk is full."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise MachineError(f"{file}: cannot be written: {error.strerror}") from None
        raise UserError(f"{file}: cannot be written ({error.strerror}); give another file") from None


def share(part: float, whole: float) -> float:
    """part / whole, 0 where there is no whole."""
    return part / whole if whole else 0.0


def engineering(number: float, unit: str) -> str:
    """Four significant digits and an SI prefix: engineering(0.00412, "s") = "4.120 ms"."""
    if not number:
        return f"0 {unit}"
    prefixes = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"), (1e-12, "p"))
    factor, prefix = next((p for p in prefixes if abs(number) >= p[0] * 0.99995), prefixes[-1])
    scaled = number / factor
    digits = 1 if abs(scaled) >= 99.995 else 2 if abs(scaled) >= 9.9995 else 3
    return f"{scaled:.{digits}f} {prefix}{unit}"
