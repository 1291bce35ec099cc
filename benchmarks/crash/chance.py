"""Chance that can be repeated."""

from __future__ import annotations

from random import Random


class Chance(Random):
    """Random numbers from a seed."""

    def happens(self, share: float) -> bool:
        """Say yes in this share of the cases."""
        return self.random() < share
