"""A bounded memory that threads share."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from contextd.engine.remembering import Remembered

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def hasty() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_what_came_first_goes_first() -> None:
    """Nothing beyond the bound is kept."""
    memory = Remembered[int, str](2)
    for number in range(3):
        memory.add(number, str(number))
    assert [memory.get(number) for number in range(3)] == [None, "1", "2"]


@pytest.mark.usefixtures("hasty")
def test_threads_add_at_once() -> None:
    """None trips over what another one forgets, and the bound holds."""
    memory = Remembered[int, int](4)

    def add(first: int) -> None:
        for number in range(first, first + 20_000):
            memory.add(number, number)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(add, range(0, 400_000, 100_000)))
    assert len(memory._kept) == 4
