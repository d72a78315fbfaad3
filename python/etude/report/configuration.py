# SPDX-License-Identifier: Apache-2.0
"""What a run was asked: keys that differ from the defaults, and the command that repeats it."""

import json
import shlex
from html import escape

from etude.report.html import section, table


def command_of(result: dict) -> str:
    """The command that repeats a run, as it was given; empty in results of before."""
    return result["simulator"].get("command", "")


def changed_keys(result: dict) -> list[tuple[str, object, object]]:
    """Key, value and default of what differs; coefficients of the energy table where the command sets them."""
    found = [(c["key"], c["value"], c["default"]) for c in result["simulator"].get("changed", [])]
    words = shlex.split(command_of(result))
    for option, assignment in zip(words, words[1:], strict=False):
        name, _, value = assignment.partition("=")
        if option == "--set" and name.startswith("/energy/") and name != "/energy/name":
            found.append((name, value, None))
    return found


def policy_of(result: dict) -> str:
    """The name of the policy that a run was asked for."""
    changed = {c["key"]: c["value"] for c in result["simulator"].get("changed", [])}
    return str(changed.get("/schedule/policy", "keep"))


def _shown(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) and value else json.dumps(value)
    return escape(text if len(text) <= 80 else text[:60] + "…")


def configuration(result: dict) -> str:
    """The section; nothing for results of before, which do not say."""
    if "changed" not in result["simulator"]:
        return ""
    rows = [[f"<code>{escape(k)}</code>", _shown(value), _shown(usual)] for k, value, usual in changed_keys(result)]
    command = command_of(result)
    text = "Keys that differ from the defaults of configs/README.md; files by the hash of their content."
    repeat = f'<p class="repeat">To repeat it: <code>{escape(command)}</code></p>' if command else ""
    return section(
        "Configuration", text, repeat + table(["key", "value", "default"], rows, set()), True, "configuration"
    )
