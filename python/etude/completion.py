# SPDX-License-Identifier: Apache-2.0
"""What a shell offers behind subcommands that etude-sim carries out: its options, and keys of the configuration."""

from __future__ import annotations

import re
import subprocess

import click
from click.shell_completion import CompletionItem
from typer.core import TyperCommand

from etude.api.config import pointers
from etude.errors import Error
from etude.program import find_program


class PassedOn(TyperCommand):
    """A subcommand whose words are all for etude-sim."""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Options behind "-", keys behind --set, else nothing: files, which the shell knows."""
        try:
            if ctx.args and ctx.args[-1] == "--set":
                return [CompletionItem(f"{key}=") for key in pointers() if key.startswith(incomplete)]
            if incomplete.startswith("-"):
                return [CompletionItem(o) for o in options_of(self.name or "") if o.startswith(incomplete)]
        except (Error, OSError):  # nobody reads messages between two words
            pass
        return []


def options_of(subcommand: str) -> list[str]:
    """The long options of a subcommand, from its help."""
    command = [str(find_program()), subcommand, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)
    return re.findall(r"^ +(?:-\w,)?(--[\w-]+)", done.stdout, re.M)
