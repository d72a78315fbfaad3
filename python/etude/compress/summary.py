# SPDX-License-Identifier: Apache-2.0
"""What `etude compress` prints."""

from rich.console import Console
from rich.table import Table

from etude.compress.command import Wish, table_of_codes
from etude.compress.forms import CODES, Archive


def print_summary(wish: Wish, archive: Archive, record: dict, console: Console) -> None:
    """Bytes of every packed parameter in each code, then the whole archive and its accuracy."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("parameter", "extents"):
        table.add_column(column)
    for column in ("FP32 B", *(f"{code} B" for code in CODES)):
        table.add_column(column, justify="right")
    sums = [0] * (1 + len(CODES))
    for name, shape, whole, sizes in table_of_codes(archive):
        numbers = [whole, *sizes]
        sums = [a + (b or 0) for a, b in zip(sums, numbers, strict=True)]
        table.add_row(name, shape, *("-" if n is None else f"{n:,}" for n in numbers))
    table.add_row("all packed", "", *(f"{n:,}" if n else "-" for n in sums))
    console.print(table)
    before, after = record["bytes"]["parameters"], record["bytes"]["stored"]
    file = wish.out.stat().st_size
    source = wish.source.stat().st_size
    console.print(f"\n{wish.form.name()}: parameters {before:,} B to {after:,} B ({before / after:.1f} x), ", end="")
    console.print(f"file {source:,} B to {file:,} B ({source / file:.1f} x)")
    if "accuracy" in record:
        measured = record["accuracy"]
        for domain, value in measured["after"].items():
            console.print(f"{domain} {100 * measured['before'][domain]:.1f} % before, {100 * value:.1f} % after")
        console.print(f"measured on {measured['data']}")
    else:
        worst = max(record["relative_error"].items(), key=lambda item: item[1])
        console.print(f"no data are known for this network: weights change by {worst[1]:.2%} at most ({worst[0]})")
