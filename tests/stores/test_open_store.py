"""Which URLs open which store."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import pytest

from contextd.errors import ConfigInvalid, StoreUnavailable
from contextd.model import Durability
from contextd.stores import open_store, open_tiered
from contextd.stores.tiered import Terms

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path


async def opened(url: str) -> Durability:
    """Open, close, and say what the store promises."""
    store = await open_store(url)
    await store.aclose()
    return store.durability


def test_memory() -> None:
    """`memory:` promises nothing beyond the process."""
    assert asyncio.run(opened("memory:")) is Durability.MEMORY


def test_absolute_path(tmp_path: Path) -> None:
    """Four slashes begin an absolute path; missing folders are made, for the owner only."""
    path = tmp_path / "new folder" / "sessions é.db"
    assert asyncio.run(opened(f"sqlite:///{str(path).replace(' ', '%20')}")) is Durability.DISK
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_relative_path(tmp_path: Path) -> None:
    """Three slashes begin a path relative to the working directory."""
    before = os.open(".", os.O_RDONLY)
    os.chdir(tmp_path)
    try:
        asyncio.run(opened("sqlite:///data/sessions.db"))
    finally:
        os.chdir(before)
        os.close(before)
    assert (tmp_path / "data" / "sessions.db").exists()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "sessions.db",
        "mysql://host/db",
        "memory:x",
        "sqlite:",
        "sqlite:///",
        "sqlite://sessions.db",
        "sqlite:///:memory:",
        "sqlite:///a.db?mode=ro",
        "sqlite:///a.db#b",
    ],
)
def test_what_is_no_store(url: str) -> None:
    """Anything else is refused and says what would do."""
    with pytest.raises(ConfigInvalid, match="memory:"):
        asyncio.run(opened(url))


async def opened_before_an_archive(url: str) -> None:
    """Open, in memory behind it."""
    store = await open_tiered(url, "memory:", Terms(), lambda: 0)
    await store.aclose()


@pytest.mark.parametrize(
    ("opening", "url", "driver", "extra"),
    [
        (opened, "postgresql://host/db", "asyncpg", "postgres"),
        (opened, "redis://host/0", "redis", "redis"),
        (opened, "rediss://host/0", "redis", "redis"),
        (opened, "redis+cluster://host", "redis", "redis"),
        (opened, "redis+sentinel://host/master/0", "redis", "redis"),
        (opened_before_an_archive, "redis://host/0", "redis", "redis"),
    ],
)
def test_a_driver_that_is_not_installed(
    monkeypatch: pytest.MonkeyPatch,
    opening: Callable[[str], Coroutine[None, None, object]],
    url: str,
    driver: str,
    extra: str,
) -> None:
    """The refusal names the extra that brings it, also in front of an archive."""
    for name in [each for each in sys.modules if each.startswith(f"contextd.stores.{extra}")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [each for each in sys.modules if each.partition(".")[0] == driver]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(ConfigInvalid, match=rf"pip install 'contextd\[{extra}\]'"):
        asyncio.run(opening(url))


def test_a_path_that_cannot_be_written(tmp_path: Path) -> None:
    """The error names the path and the reason."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match=r"file/sessions\.db: File exists"):
        asyncio.run(opened(f"sqlite:///{tmp_path}/file/sessions.db"))
