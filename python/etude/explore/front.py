# SPDX-License-Identifier: Apache-2.0
"""What no other point is better than in every objective."""

from __future__ import annotations

from collections.abc import Sequence

Scores = tuple[float, ...]
"""Objectives of a point, less is better."""


def dominates(one: Scores, other: Scores) -> bool:
    """Whether `one` is nowhere worse and somewhere better."""
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


class Front:
    """The points that nothing dominates among those that were added; equal ones stay."""

    def __init__(self) -> None:
        self.members: dict[int, Scores] = {}

    def add(self, number: int, scores: Scores) -> bool:
        """Whether the point is on the front now."""
        if any(dominates(member, scores) for member in self.members.values()):
            return False
        self.members = {n: s for n, s in self.members.items() if not dominates(scores, s)}
        self.members[number] = scores
        return True


def front_of(scores: Sequence[Scores]) -> list[int]:
    """The numbers of the points on the front, ascending."""
    front = Front()
    for number, one in enumerate(scores):
        front.add(number, one)
    return sorted(front.members)
