# SPDX-License-Identifier: Apache-2.0
"""The shipped configurations obey the generated JSON Schemas, and the schemas refuse what is wrong."""

import json
from pathlib import Path

import jsonschema
import pytest
from referencing import Registry, Resource

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
SCHEMAS = {f.name: json.loads(f.read_text()) for f in (CONFIGS / "schema").glob("*.json")}
REGISTRY = Registry().with_resources((name, Resource.from_contents(s)) for name, s in SCHEMAS.items())


def validator(name: str):
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])
    return jsonschema.Draft202012Validator(SCHEMAS[name], registry=REGISTRY)


def shipped():
    for file in sorted(CONFIGS.rglob("*.json")):
        if file.parent not in (CONFIGS / "schema", CONFIGS / "sweep"):  # sweeps: tests/python/test_sweep.py
            section = file.parent.name if file.parent != CONFIGS else "config"
            yield pytest.param(file, f"{section}.json", id=str(file.relative_to(CONFIGS)))


@pytest.mark.parametrize(("file", "schema"), shipped())
def test_shipped_configuration_obeys_its_schema(file, schema):
    validator(schema).validate(json.loads(file.read_text()))


@pytest.mark.parametrize(
    "wrong",
    [
        {"platform": {}},
        {"platform": {"cluster": {"cores": 0}}, "workload": {"network": "deep_ae"}},
        {"platform": {"cluster": {"tcdm": {"banks": 3}}}, "workload": {"network": "deep_ae"}},
        {"platform": {"cluster": {"coers": 8}}, "workload": {"network": "deep_ae"}},
        {"platform": {}, "workload": {"network": "deep_ae"}, "train": {"method": "qlora"}},
        {"platform": {}, "workload": {"network": "deep_ae"}, "tiling": {"operators": {"fc": {"q": 1}}}},
    ],
)
def test_schema_refuses_what_the_program_refuses(wrong):
    assert not validator("config.json").is_valid(wrong)


def test_schema_accepts_a_small_root():
    validator("config.json").validate({"platform": "p.json", "workload": {"network": "deep_ae"}})
