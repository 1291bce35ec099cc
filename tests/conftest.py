"""What holds for every test: a clean environment, and how hard Hypothesis tries.

`make test ARGS=--hypothesis-profile=thorough` is the long run; with CI in the environment the
same examples are drawn every time.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

settings.register_profile("default", deadline=None, max_examples=40)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=2_000)
settings.load_profile("ci" if "CI" in os.environ else "default")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on how the machine is configured for contextd or for proxies."""
    for name in tuple(os.environ):
        if name.startswith("CONTEXTD_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def runner() -> Iterator[asyncio.Runner]:
    """Run all that speaks gRPC on one loop: its objects must not meet two in one process."""
    with asyncio.Runner() as running:
        yield running
