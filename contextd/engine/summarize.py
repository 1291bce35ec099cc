"""Summarise: let a model retell a fold, in the background, and show what it wrote if it is fit."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from contextd.engine.contention import written
from contextd.errors import SessionContended, SummarizerUnavailable
from contextd.events import Summarized
from contextd.model import Usage
from contextd.policy.retelling.asking import source, wanting
from contextd.policy.retelling.judging import read
from contextd.ports import Commit

if TYPE_CHECKING:
    from contextd.engine.breaker import Breaker
    from contextd.engine.sessions import HotSession, HotSessions, View
    from contextd.engine.writing import Writer
    from contextd.model import Draft, SessionKey
    from contextd.policy.facts.summary import Embed
    from contextd.policy.retelling.asking import Source
    from contextd.policy.state import SessionState
    from contextd.ports import Clock, Observer, Policies, Summarizer, Tokenizer

log = logging.getLogger(__name__)

LATE = "came too late"
"""The fault of an answer whose fold has been followed by another one, or was retold meanwhile by
another process."""


@dataclass(frozen=True, slots=True)
class SummarizeFold:
    """Ask a model about a session's newest fold.  Runs in the background only.

    What it needs to know stands in the log: a fold that no model has retold yet is asked
    about whenever the session is touched, also by another process after a crash.
    """

    sessions: HotSessions
    writer: Writer
    clock: Clock
    observer: Observer
    summarizer: Summarizer
    breaker: Breaker
    policies: Policies
    input_tokens: int
    embed: Embed | None = None

    async def __call__(self, key: SessionKey) -> str:
        """Return how it ended: "shown", what was wrong, or "" when there was nothing to do.

        Raises:
            SummarizerUnavailable: there was no answer; to be tried again.
        """
        await self.breaker.allowed()
        view = await self.sessions.refresh(self.sessions.get(key))
        which = view.state.which
        asked = await self._asked(view)
        if asked is None:
            return ""
        draft = await self._answer(asked)
        retold, fault = await asyncio.to_thread(read, draft, asked, view.tokenizer)
        if fault:
            self.breaker.failed()
        else:
            self.breaker.succeeded()
        usage, estimated = _spent(draft, asked, view.tokenizer)
        record = Summarized(self.clock(), asked.through, retold, usage, estimated, fault)
        return await self._publish(key, record, which)

    async def _asked(self, view: View) -> Source | None:
        fold = wanting(view.state)
        if fold is None:
            return None
        state = view.state.snapshot()
        return await asyncio.to_thread(
            source,
            state,
            fold,
            rules=self.policies.of(state.key.tenant_id).rules,
            meter=view.tokenizer,
            most=self.input_tokens,
            embed=self.embed,
        )

    async def _answer(self, asked: Source) -> Draft:
        try:
            return await self.summarizer.write(asked.task)
        except SummarizerUnavailable:
            self.breaker.failed()
            self.observer.count("summaries", outcome="unavailable")
            raise

    async def _publish(self, key: SessionKey, record: Summarized, which: tuple[str, int]) -> str:
        """Append the record at whatever revision the session is by now."""
        hot = self.sessions.get(key)
        try:
            return await written(hot, partial(self._append, hot, record, which))
        except SessionContended:
            self.sessions.forget(key)
            return ""

    async def _append(self, hot: HotSession, record: Summarized, which: tuple[str, int]) -> str:
        view = await self.sessions.refresh(hot)
        if view.state.which != which:
            return ""  # deleted, and perhaps begun anew
        final = record if _stands(view.state, record.through) else _late(record)
        commit = Commit((final,), view.state.revision, incarnation=view.state.incarnation)
        await self.writer.write(view, commit)
        return self._ended(final)

    def _ended(self, record: Summarized) -> str:
        outcome = record.fault or "shown"
        self.observer.count("summaries", outcome=outcome)
        self.observer.count("own_tokens", record.usage.input_tokens, kind="input")
        self.observer.count("own_tokens", record.usage.output_tokens, kind="output")
        if record.fault:
            log.warning("a model's summary was not shown: it %s", record.fault)
        return outcome


def _stands(state: SessionState, through: int) -> bool:
    newest = state.prepared or state.fold
    return newest is not None and newest.through == through and not newest.retold


def _late(record: Summarized) -> Summarized:
    fault = record.fault or LATE
    return Summarized(record.at, record.through, (), record.usage, record.estimated, fault)


def _spent(draft: Draft, asked: Source, tokenizer: Tokenizer) -> tuple[Usage, bool]:
    """Return what the answer cost; counted here when the endpoint did not say."""
    if draft.usage is not None:
        return draft.usage, False
    sent = tokenizer.count(asked.task.instruction) + tokenizer.count(asked.task.material)
    return Usage(input_tokens=sent, output_tokens=tokenizer.count(draft.text)), True
