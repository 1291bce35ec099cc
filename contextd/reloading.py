"""Files that are read again when they change, and kept when what they became is no good.

The contents are compared, not the times: a mounted secret or ConfigMap is swapped by a
symbolic link, and a copy may carry the old time.  Reading a few kilobytes every few seconds
costs nothing, and works where the kernel reports no changes: on network and overlay file
systems, and for files mounted one by one.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from contextd.errors import ConfigInvalid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from contextd.ports import Observer

LOG = logging.getLogger(__name__)

MAX_BYTES = 16 << 20
POLICY = "policy"

Value = TypeVar("Value")


@dataclass(slots=True)
class Reloading(Generic[Value]):
    """Files that mean something together.

    `kind` names them in logs and metrics ("tls", "tokens", "jwks", "policy"); `read` makes a
    value of their contents or raises ConfigInvalid; `use` puts it in force.
    """

    kind: str
    paths: Sequence[Path]
    read: Callable[[Sequence[bytes]], Value]
    use: Callable[[Value], None]
    _judged: bytes = field(default=b"", repr=False)
    _pending: bytes = field(default=b"", repr=False)

    def load(self) -> None:
        """Read them for the first time and put them in force.

        Raises:
            ConfigInvalid: naming what is wrong with which.
        """
        state, contents, unreadable = self._contents()
        self._judged = state
        self.use(self._value(contents, unreadable))

    async def look(self, observer: Observer, *, at_once: bool = False) -> None:
        """Put them in force if they have changed and are good; else the former stay.

        What has changed is judged when two looks in a row find the same, for a file may be
        found half written; *at_once* somebody says that they are whole.
        """
        try:
            value = await asyncio.to_thread(self._changed, at_once=at_once)
        except ConfigInvalid as error:
            LOG.error("%s not reloaded, the former stays in force: %s", self.kind, error)  # noqa: TRY400 - no trace: the message has it all
            self._count(observer, "refused")
            return
        if value is not None:
            self.use(value)
            LOG.info("%s reloaded", self.kind)
            self._count(observer, "loaded")
        elif at_once:
            LOG.info("%s is as it was when it was last read", self.kind)

    def _count(self, observer: Observer, outcome: str) -> None:
        """Count the policy apart from keys: it is other people who change it."""
        if self.kind == POLICY:
            observer.count("policy_reloads", outcome=outcome)
        else:
            observer.count("reloads", kind=self.kind, outcome=outcome)

    def _changed(self, *, at_once: bool) -> Value | None:
        """Return what the files mean once they have changed and come to rest."""
        state, contents, unreadable = self._contents()
        before, self._pending = self._pending, state
        if state == self._judged or (state != before and not at_once):
            return None
        self._judged = state
        return self._value(contents, unreadable)

    def _contents(self) -> tuple[bytes, list[bytes], str]:
        """Return a digest of how the files are, what they hold, and why they cannot be read."""
        contents, state = [], hashlib.sha256()
        try:
            for path in self.paths:
                with path.open("rb") as file:
                    contents.append(file.read(MAX_BYTES))
                state.update(len(contents[-1]).to_bytes(8, "big") + contents[-1])
        except OSError as error:
            why = f"{error.filename}: {error.strerror}"
            return hashlib.sha256(why.encode()).digest(), [], why
        return state.digest(), contents, ""

    def _value(self, contents: Sequence[bytes], unreadable: str) -> Value:
        if unreadable:
            raise ConfigInvalid(f"{self.kind}: cannot read {unreadable}")
        try:
            return self.read(contents)
        except ConfigInvalid as error:
            names = ", ".join(map(str, self.paths))
            if str(error).startswith(names):
                raise  # it names the file, and the line
            raise ConfigInvalid(f"{self.kind} ({names}): {error}") from error
        except Exception as error:  # a parser's own surprise must not end the looking
            raise ConfigInvalid(f"{self.kind}: unreadable: {type(error).__name__}") from error


class Lookout:
    """Looks at files every so many seconds, and whenever somebody asks for it."""

    def __init__(self, files: Sequence[Reloading[Any]], seconds: float, observer: Observer) -> None:
        """Look at *files*, in their order."""
        self._files = files
        self._seconds = seconds
        self._observer = observer
        self._asked = asyncio.Event()

    def now(self) -> None:
        """Look at once; what has changed is whole."""
        self._asked.set()

    async def run(self) -> None:
        """Look for ever; cancel it to stop."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), self._seconds)
            at_once = self._asked.is_set()
            self._asked.clear()
            for each in self._files:
                await each.look(self._observer, at_once=at_once)
