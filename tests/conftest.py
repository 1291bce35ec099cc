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


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the long runs try more seeds."""
    parser.addoption("--more-seeds", type=int, default=1, help="so many times as many seeds")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Try a test that is marked with `seeds(n)` with the seeds 0 to n, or to a multiple of it."""
    marker = metafunc.definition.get_closest_marker("seeds")
    if marker is not None:
        times = metafunc.config.getoption("--more-seeds")
        metafunc.parametrize("seed", range(marker.args[0] * times))


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
