# SPDX-License-Identifier: Apache-2.0
"""How much a front dominates."""

from __future__ import annotations

from collections.abc import Sequence

from etude.explore.front import Scores, front_of


def hypervolume(scores: Sequence[Scores], reference: Scores) -> float:
    """The volume between what `scores` dominate and a reference that all of them are at least as good as (others do not
    count); less is better. Exact, for any number of objectives, by slices along the last one."""
    inside = [one for one in scores if all(a < b for a, b in zip(one, reference, strict=True))]
    front = sorted({inside[i] for i in front_of(inside)}, key=lambda one: one[-1])
    if len(reference) == 1:
        return reference[0] - front[0][0] if front else 0.0
    if len(reference) == 2:
        return _staircase(front, reference)
    volume = 0.0
    for i, one in enumerate(front):
        above = front[i + 1][-1] if i + 1 < len(front) else reference[-1]
        if above > one[-1]:
            volume += (above - one[-1]) * hypervolume([other[:-1] for other in front[: i + 1]], reference[:-1])
    return volume


def _staircase(front: Sequence[Scores], reference: Scores) -> float:
    """Of two objectives; sorted by the second."""
    area, right = 0.0, reference[0]
    for i, (x, y) in enumerate(front):
        right = min(right, x)
        above = front[i + 1][1] if i + 1 < len(front) else reference[1]
        area += (reference[0] - right) * (above - y)
    return area
