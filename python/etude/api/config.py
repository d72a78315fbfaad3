# SPDX-License-Identifier: Apache-2.0
"""Configurations: read, changed, checked, and the schema of what they may say."""

from __future__ import annotations

import functools
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from etude import native
from etude.api.html import table
from etude.errors import ConfigError

Json = dict[str, Any]
OBJECT = "config"  # what messages call a configuration that was given in place


@dataclass(frozen=True)
class Config:
    """What is run: a root configuration and the keys that were changed. It stays as it is: `set` returns another one.

    A file is read anew by whatever uses it, as the commands do, and so are the files that it names.
    """

    file: Path | None
    text: str | None  # of a configuration that was given in place
    sets: tuple[str, ...] = ()

    def set(self, pointer: str, value: object) -> Config:
        """The configuration with another value at a JSON pointer ("/train/rank"), also inside a file that it names.

        Errors: ConfigError for a key that is not known, or a value that it cannot have.
        """
        return self.set_all({pointer: value})

    def set_all(self, values: Mapping[str, object]) -> Config:
        """The same for several at once, in order."""
        changed = replace(self, sets=(*self.sets, *assignments(values)))
        with changed.on_disk() as file:
            native.core().check_keys(file, list(changed.sets))
        return changed

    def validate(self) -> list[str]:
        """Checks every key, value and combination, and returns the warnings. Errors: ConfigError."""
        return list(self._resolved[2])

    @property
    def resolved(self) -> Json:
        """The whole configuration with every default; files stand as the SHA-256 of what they contain."""
        parsed: Json = json.loads(self._resolved[0])
        return parsed

    @property
    def resolved_text(self) -> str:
        """The same as the text of config.resolved.json."""
        return self._resolved[0]

    @property
    def hash(self) -> str:
        """SHA-256 of `resolved_text`: equal for runs that must give equal results. `config_hash` of a result, if no
        ONNX file says more (its batch, the files of its weights)."""
        return self._resolved[1]

    @property
    def warnings(self) -> list[str]:
        """What `validate` warns of."""
        return self.validate()

    def get(self, pointer: str) -> Any:
        """The value at a JSON pointer, defaults included. Errors: ConfigError if there is none."""
        node: Any = self.resolved
        for element in pointer.removeprefix("/").split("/"):
            key = element.replace("~1", "/").replace("~0", "~")
            if not isinstance(node, dict) or key not in node:
                raise ConfigError(f"{pointer}: no such key; etude schema lists them")
            node = node[key]
        return node

    @property
    def _resolved(self) -> tuple[str, str, list[str]]:
        with self.on_disk() as file:
            resolved: tuple[str, str, list[str]] = native.core().resolve(file, list(self.sets))
        return resolved

    @contextmanager
    def on_disk(self) -> Iterator[str]:
        """The name of a file that holds the configuration without its sets, for as long as the block lasts."""
        if self.file is not None:
            yield str(self.file)
            return
        with tempfile.TemporaryDirectory(prefix="etude-") as folder:
            file = Path(folder) / "config.json"
            file.write_text(self.text or "{}", encoding="utf-8")
            try:
                yield str(file)
            except Exception as error:
                if error.args and isinstance(error.args[0], str):  # the file is nobody's business
                    error.args = (error.args[0].replace(str(file), OBJECT), *error.args[1:])
                raise

    def __str__(self) -> str:
        return " ".join([str(self.file or OBJECT), *(f"--set {one}" for one in self.sets)])

    def _repr_html_(self) -> str:
        return table(["key", "value"], [one.split("=", 1) for one in self.sets], caption=str(self.file or OBJECT))


# A configuration, the name of its file, or what would be in it.
ConfigLike: TypeAlias = Config | str | os.PathLike[str] | Mapping[str, Any]


def _json(pointer: str, value: object) -> str:
    """The value as JSON: also of numpy's numbers, and of paths."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    elif hasattr(value, "tolist"):
        value = value.tolist()
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{pointer}: {value!r} is no value of JSON ({error}); give a number, text or list") from None


def assignments(values: Mapping[str, object]) -> list[str]:
    """As --set of the commands has them: "/json/pointer=VALUE"."""
    return [f"{pointer}={_json(pointer, value)}" for pointer, value in values.items()]


def load(source: ConfigLike) -> Config:
    """A configuration from its file (found as the commands find it) or from what would be in it, checked.

    Errors: ConfigError, with the place, the value and what is allowed.
    """
    if isinstance(source, Config):
        return source
    if isinstance(source, Mapping):
        config = Config(None, _json(OBJECT, dict(source)))
    else:
        config = Config(Path(source), None)
    config.validate()
    return config


def import_onnx(
    file: str | os.PathLike[str],
    *,
    inputs: str | os.PathLike[str] | None = None,
    platform: str | Mapping[str, Any] = "platform/traindeeploy.json",
    train: Mapping[str, Any] | None = None,
) -> Config:
    """A configuration that trains the graph of an ONNX file. `inputs`: an .npz with its inputs by name, and labels.

    Errors: ConfigError. What the graph holds is read when it is described, lowered or run.
    """
    workload: Json = {"onnx": os.fspath(file)}
    if inputs is not None:
        workload["inputs"] = os.fspath(inputs)
    root: Json = {"platform": platform if isinstance(platform, str) else dict(platform), "workload": workload}
    if train is not None:
        root["train"] = dict(train)
    return load(root)


@functools.cache
def schema_text(section: str | None = None) -> str:
    """`schema` as text."""
    files = {name: json.loads(text) for name, text in native.core().schemas().items()}
    if section is not None:
        if f"{section}.json" not in files:
            known = ", ".join(sorted(name.removesuffix(".json") for name in files if name != "config.json"))
            raise ConfigError(f"{section}: no such section; give one of {known}")
        return json.dumps(files[f"{section}.json"], indent=2) + "\n"
    whole = files.pop("config.json")
    whole["$defs"] = {}
    for name, one in files.items():
        one.pop("$schema", None)
        one.pop("$id", None)
        whole["$defs"][name.removesuffix(".json")] = one
    text = json.dumps(whole, indent=2)
    for name in files:
        text = text.replace(f'"$ref": "{name}"', f'"$ref": "#/$defs/{name.removesuffix(".json")}"')
    return text + "\n"


def schema(section: str | None = None) -> Json:
    """The JSON Schema (draft 2020-12) of a configuration in one piece, for editors, or of one section ("platform").

    Made from the declarations that the program checks with. Errors: ConfigError for another section.
    """
    parsed: Json = json.loads(schema_text(section))
    return parsed


def pointers() -> list[str]:
    """The JSON pointer of every key, in the order of the documentation; without those that a user may name freely."""
    sections: Json = schema()["$defs"]
    return [pointer for name, one in sections.items() for pointer in _below(f"/{name}", one)]


def _below(pointer: str, node: Json) -> list[str]:
    if "properties" not in node:
        return [] if node.get("type") == "object" else [pointer]
    return [found for name, one in node["properties"].items() for found in _below(f"{pointer}/{name}", one)]


def version() -> str:
    """That of the program and of the package; of a source tree that is not built, what VERSION says."""
    source = native.SOURCE / "VERSION"
    if native.folder() != native.HERE and source.exists():
        return source.read_text(encoding="utf-8").strip()
    from importlib.metadata import version as installed

    return installed("etude")
