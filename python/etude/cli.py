# SPDX-License-Identifier: Apache-2.0
"""The command `etude`: etude-sim's subcommands, and what needs Python."""

import os
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import click
import typer
from rich.console import Console

from etude.api.config import schema_text, version
from etude.compare import changes_csv, print_comparison
from etude.completion import PassedOn
from etude.errors import Error, UserError
from etude.program import become_program
from etude.result import load_configuration, load_result, write_text
from etude.schedule_pictures import wants_pictures, write_pictures

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

# Subcommands that etude-sim does alone, with the line that stands in the help.
DELEGATED = {
    "run": "Run a training step as a configuration says.",
    "elf": "Run a bare-metal RISC-V program.",
    "gemm": "Run one RedMulE job on random data.",
    "replay": "Feed recorded traces to a model and compare.",
    "describe": "Show graph, parameters, MACs and memory without simulating.",
    "schedule": "Find what to keep, recompute and page (--svg FOLDER: as pictures).",
    "price": "Price a finished run again, without simulating.",
    "config": "Documents of the configuration; resolved runs.",
}
PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version())
        raise typer.Exit()


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Etude: cycle-level simulator and design-space explorer for on-device training."""


def _delegate(name: str, text: str) -> None:
    @app.command(name, help=text, cls=PassedOn, context_settings=PASS_ON, add_help_option=False)
    def command(context: typer.Context) -> None:
        if name == "schedule" and wants_pictures(context.args):
            write_pictures(context.args)
        else:
            become_program([name, *context.args])


for _name, _text in DELEGATED.items():
    _delegate(_name, _text)


def _console(width: int) -> Console:
    """That of stdout, so wide where it is no terminal; names may have brackets and colons, and stand as they are."""
    return Console(width=None if sys.stdout.isatty() else width, markup=False, emoji=False)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="Folder of a run, a study (or its study.sqlite) or a profile.")],
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write every layer (of a study: every point) into this file.")
    ] = None,
    layers: Annotated[
        Path | None, typer.Option("--layers", help="Of a study: write every layer of every point into this file.")
    ] = None,
) -> None:
    """Write report.html: one self-contained page with everything of a run, a study or a program's profile."""
    of_study = folder.suffix == ".sqlite" or (folder / "study.sqlite").exists()
    if layers is not None and not of_study:
        raise UserError("--layers: is of a study; give --csv for the layers of a run")
    if of_study:
        from etude.explore.study import open_study

        study = open_study(folder)
        page = study.report()
        if csv is not None:
            write_text(csv, study.points.write_csv())
        if layers is not None:
            from etude.report.study.data import layers_csv as layers_of_points

            write_text(layers, layers_of_points(study))
    elif (folder / "profile.json").exists() and not (folder / "result.json").exists():
        from etude.report.profile_page import write_profile_page

        if csv is not None:
            raise UserError("--csv: writes layers, and a program's profile has none; leave it out")
        page = write_profile_page(folder)
    else:
        result = load_result(folder)
        from etude.report.layers import layers_csv
        from etude.report.page import write_page

        page = write_page(result, folder if folder.is_dir() else folder.parent)
        if csv is not None:
            write_text(csv, layers_csv(result))
    typer.echo(str(page))
    if open_page:
        webbrowser.open(page.resolve().as_uri())


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Folders that `etude run` wrote, two or more.")],
    csv: Annotated[Path | None, typer.Option("--csv", help="Write every layer of all runs into this file.")] = None,
) -> None:
    """Show runs side by side: changed keys, totals, and the layers that changed most."""
    if len(runs) < 2:
        raise UserError("compare: has one run; give two or more")
    results = [load_result(run) for run in runs]
    names = [str(run) for run in runs]
    try:
        if csv is not None:
            write_text(csv, changes_csv(results, names))
        wide = max(100, 70 * len(runs))
        print_comparison(results, [load_configuration(run) for run in runs], names, _console(wide))
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{', '.join(names)}: a result is damaged or of another version ({error}); run again") from None


@app.command()
def schema(
    section: Annotated[str | None, typer.Argument(help="platform, workload, train, ...; without it the whole.")] = None,
) -> None:
    """Print the JSON Schema of a configuration, in one piece, for editors."""
    typer.echo(schema_text(section), nl=False)


@app.command()
def sweep(
    file: Annotated[Path, typer.Argument(metavar="SWEEP.json", help="Axes, constraints, objectives, search.")],
    jobs: Annotated[int | None, typer.Option("--jobs", help="Points at a time, all cores by default.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the study that is there.")] = False,
    dask: Annotated[str | None, typer.Option("--dask", help="Address of a Dask scheduler that runs them.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the study (default out/SWEEP).")] = None,
    keep_runs: Annotated[bool, typer.Option("--keep-runs", help="Keep what runs leave, in runs/ID of it.")] = False,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Run many configurations: every point a row of study.sqlite, the best of them as a table, all of it as a page."""
    from etude.explore.study import sweep as run_sweep
    from etude.explore.summary import print_study

    study = run_sweep(file, out=out, jobs=jobs, resume=resume, dask=dask, keep_runs=keep_runs)
    print_study(study, _console(160))
    page = study.report()
    typer.echo(str(page))
    if open_page:
        webbrowser.open(page.resolve().as_uri())


@app.command()
def compress(
    archive: Annotated[Path, typer.Argument(metavar="ARCHIVE.npz", help="Parameters of a network in FP32.")],
    bits: Annotated[int, typer.Option("--bits", help="Of each weight: 16 (half precision), 8, 4 or 3.")],
    out: Annotated[Path, typer.Option("--out", help="The packed archive; a picture goes beside it.")],
    sparsity: Annotated[float | None, typer.Option("--sparsity", help="Part of the weights set to zero.")] = None,
    pattern: Annotated[
        str, typer.Option("--pattern", help="Zeros anywhere (free), or two of each four (2:4).")
    ] = "free",
    code: Annotated[str, typer.Option("--code", help="plain, bitmap or huffman.")] = "plain",
    finetune: Annotated[int, typer.Option("--finetune", help="Epochs of training that knows the form.")] = 0,
    distill: Annotated[
        Path | None, typer.Option("--distill", metavar="TEACHER.npz", help="Learn its answers too.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the training.")] = 1,
) -> None:
    """Pack the matrices of a network: prune, round to few bits, code; with a record of the accuracy it costs."""
    from etude.compress.command import Wish
    from etude.compress.command import compress as pack
    from etude.compress.forms import form_of
    from etude.compress.summary import print_summary

    wish = Wish(archive, form_of(bits, sparsity, pattern, code), out, finetune, distill, seed)
    made, record, picture = pack(wish)
    print_summary(wish, made, record, _console(160))
    if picture is not None:
        typer.echo(str(out.with_suffix(".svg")))


def main() -> None:
    """Entry point: maps errors to the exit statuses of etude-sim."""
    try:
        status = app(standalone_mode=False)
        sys.stdout.flush()
    except OSError as error:  # of stdout: files have errors of their own
        sys.stderr.write(f"etude: stdout: cannot be written: {error.strerror}\n")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left need not be told again
        status = 1
    except Error as error:
        sys.stderr.write(f"etude: {' '.join(str(error).split())}\n")
        status = error.exit_status
    except click.ClickException as error:
        sys.stderr.write(f"etude: {error.format_message()}; see etude --help\n")
        status = 2
    except (click.Abort, KeyboardInterrupt):
        status = 130
    sys.exit(status or 0)
