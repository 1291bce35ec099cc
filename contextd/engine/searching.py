"""Where a search runs: on the event loop, or in a thread when there is much to search."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from contextd.engine.offload import LONG_SEARCH

if TYPE_CHECKING:
    from collections.abc import Callable

    from contextd.engine.sessions import View

Result = TypeVar("Result")


async def search_of(view: View, search: Callable[[], Result]) -> Result:
    """Return what *search* finds in the index of *view*, which does not grow meanwhile."""
    if len(view.index) < LONG_SEARCH:
        return search()
    async with view.searching:
        return await asyncio.to_thread(search)
