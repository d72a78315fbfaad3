# SPDX-License-Identifier: Apache-2.0
"""What stood in L2: memory over time, and the schedule as it was executed."""

from html import escape

from etude.pictures.memory_chart import draw_memory, memory_of_run
from etude.pictures.schedule_grid import draw_grid, grid_of_run
from etude.report.configuration import policy_of
from etude.report.html import section

MOST_SLOTS = 600  # of a picture that is drawn for two widths


def l2_sections(result: dict) -> list[str]:
    """Both sections; none for results of before, which do not say what stood in L2."""
    if not result.get("l2", {}).get("use") or not result["timeline"]:
        return []
    memory = memory_of_run(result)
    charts = (
        f'<div class="for-wide">{draw_memory(memory, 1080)}</div>'
        f'<div class="for-narrow scroll">{draw_memory(memory, 700, 260)}</div>'
    )
    text = (
        "Bytes in L2 by kind, each from the posting of the first operation that touches it to the end of the last; the "
        "highest address is measured, and gaps between tensors lie below it."
    )
    if result["l2"]["begin"]:
        text += " Of the last pass over the task list."
    grid = grid_of_run(result)
    if len(grid.slots) > MOST_SLOTS:
        pictures = f'<div class="scroll grid">{draw_grid(grid)}</div>'
    else:
        pictures = (
            f'<div class="for-wide scroll grid">{draw_grid(grid, "wide")}</div>'
            f'<div class="for-narrow scroll grid">{draw_grid(grid, "narrow", 720)}</div>'
        )
    words = (
        f"Policy {escape(policy_of(result))}, as executed: {len(grid.slots)} slots across, tensors that were in L2 "
        "down, by birth. Point at a cell for its name."
    )
    return [
        section("Memory over time", text, charts, True, "memory-time"),
        section("Schedule", words, pictures, True, "schedule"),
    ]
