# SPDX-License-Identifier: Apache-2.0
"""What a step that pages to flash does to it, and how long the flash lasts."""

HOUR, DAY, YEAR = 3600, 86400, 365.25 * 86400


def duration(seconds: float) -> str:
    for unit, name in ((YEAR, "years"), (DAY, "days"), (HOUR, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:,.1f} {name}"
    return f"{seconds:.1f} s"


def _life(life: dict) -> str:
    return f"{life['steps']:,} steps, {duration(life['seconds'])} of continuous training"


def text(result: dict) -> str:
    """A sentence for the page; empty where nothing is erased."""
    wear = result.get("wear")
    if not wear:
        return ""
    return (
        f" Flash: {wear['programmed_bytes']:,} B programmed in {wear['programmed_pages']:,} pages and "
        f"{wear['erased_sectors']:,} sectors erased in a step; sectors are rated for {wear['rated_erases']:,} erases. "
        f"That is {_life(wear['lifetime']['fixed'])} where pages stay in their places, and "
        f"{_life(wear['lifetime']['rotated'])} if they rotate over all {wear['flash_bytes']:,} B (wear levelling)."
    )
