from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def runner() -> Iterator[asyncio.Runner]:
    """Run all tests on one loop: gRPC's objects must not meet two in one process."""
    with asyncio.Runner() as running:
        yield running
