# SPDX-License-Identifier: Apache-2.0
"""A sweep of a few quick points."""

BASE = {
    "platform": "platform/traindeeploy.json",
    "workload": {"network": "mlp", "sizes": [16, 12, 8], "batch": 4},
}
SWEEP = {
    "base": BASE,
    "axes": {
        "/platform/cluster/redmule/height": [2, 4, 8],
        "/platform/cluster/redmule/width": {"from": 4, "to": 16, "factor": 2},
        "/workload/batch": [2, 4],
    },
    "constraints": ["height * width <= 64"],
    "objectives": {"step.cycles": "min", "step.energy_j": "min", "area_mm2": "min"},
}


def changed(**members) -> dict:
    """SWEEP with other members."""
    return {**SWEEP, **members}
