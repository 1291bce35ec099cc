"""Files that are read again when they change, and kept when what they became is no good.

The contents are compared, not the times: a mounted secret is swapped by a symbolic link,
and a copy may carry the old time.  Reading a few kilobytes every few seconds costs nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from contextd.errors import ConfigInvalid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from contextd.ports import Observer

LOG = logging.getLogger(__name__)

MAX_BYTES = 16 << 20

Value = TypeVar("Value")


@dataclass(slots=True)
class Reloading(Generic[Value]):
    """Files that mean something together.

    `kind` names them in logs and metrics ("tls", "tokens", "jwks"); `read` makes a value
    of their contents or raises ConfigInvalid; `use` puts it in force.
    """

    kind: str
    paths: Sequence[Path]
    read: Callable[[Sequence[bytes]], Value]
    use: Callable[[Value], None]
    _seen: bytes = field(default=b"", repr=False)

    def load(self) -> None:
        """Read them for the first time and put them in force.

        Raises:
            ConfigInvalid: naming what is wrong with which.
        """
        self.use(self._value(self._contents()))

    async def look(self, observer: Observer) -> None:
        """Put them in force if they have changed and are good; else the former stay."""
        try:
            value = await asyncio.to_thread(self._changed)
        except ConfigInvalid as error:
            LOG.error("%s not reloaded, the former stays in force: %s", self.kind, error)  # noqa: TRY400 - no trace: the message has it all
            observer.count("reloads", kind=self.kind, outcome="refused")
            return
        if value is not None:
            self.use(value)
            LOG.info("%s reloaded", self.kind)
            observer.count("reloads", kind=self.kind, outcome="loaded")

    def _changed(self) -> Value | None:
        """Return what the files mean if they are not as at the last look, which is told once."""
        before = self._seen
        contents = self._contents()
        return None if self._seen == before else self._value(contents)

    def _contents(self) -> list[bytes]:
        """Read all of them, and remember how they were, readable or not."""
        contents, state = [], hashlib.sha256()
        try:
            for path in self.paths:
                with path.open("rb") as file:
                    contents.append(file.read(MAX_BYTES))
                state.update(len(contents[-1]).to_bytes(8, "big") + contents[-1])
        except OSError as error:
            self._unreadable(f"{error.filename}: {error.strerror}")
        else:
            self._seen = state.digest()
        return contents

    def _unreadable(self, why: str) -> None:
        before, self._seen = self._seen, hashlib.sha256(why.encode()).digest()
        if self._seen != before:
            raise ConfigInvalid(f"{self.kind}: cannot read {why}")

    def _value(self, contents: Sequence[bytes]) -> Value:
        try:
            return self.read(contents)
        except ConfigInvalid as error:
            names = ", ".join(map(str, self.paths))
            raise ConfigInvalid(f"{self.kind} ({names}): {error}") from error
        except Exception as error:  # a parser's own surprise must not end the looking
            raise ConfigInvalid(f"{self.kind}: unreadable: {type(error).__name__}") from error


async def reload_on_change(
    files: Sequence[Reloading[object]], seconds: float, observer: Observer
) -> None:
    """Look at *files* for ever, every so many *seconds*; cancel it to stop."""
    while True:
        await asyncio.sleep(seconds)
        for each in files:
            await each.look(observer)
