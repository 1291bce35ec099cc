"""A memory of bounded size for what is worked out of a session again and again."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@dataclass(slots=True)
class Remembered(Generic[Key, Value]):
    """At most so many values; what came first goes first.  Threads may add while others look."""

    most: int
    _kept: dict[Key, Value] = field(default_factory=dict)
    _adding: Lock = field(default_factory=Lock, repr=False, compare=False)

    def get(self, key: Key) -> Value | None:
        """Return what is remembered under *key*, None when nothing is."""
        return self._kept.get(key)

    def of(self, key: Key, make: Callable[[], Value]) -> Value:
        """Return what is remembered under *key*, or what *make* returns, remembered now."""
        known = self._kept.get(key)
        if known is None:
            known = make()
            self.add(key, known)
        return known

    def add(self, key: Key, value: Value) -> None:
        """Remember *value*, and forget what is too much."""
        # Without the lock another thread may change the dict while its oldest key is looked for.
        with self._adding:
            self._kept[key] = value
            while len(self._kept) > self.most:
                del self._kept[next(iter(self._kept))]
