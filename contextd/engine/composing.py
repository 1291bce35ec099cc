"""One context in the making: short work on the event loop, long work in a thread."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from contextd.engine.choosing import FEW
from contextd.engine.offload import LONG_TEXT, maybe_in_thread
from contextd.policy.folding import base_of, binding_through, extract
from contextd.policy.prompt.assembly import STRANGER, assemble, frame
from contextd.policy.prompt.layout import Making
from contextd.policy.prompt.resuming import pause_before, refresh_lines, resume

if TYPE_CHECKING:
    from contextd.engine.memory import Memory
    from contextd.engine.sessions import View
    from contextd.model import (
        Acquaintance,
        BuildRequest,
        Context,
        Fact,
        Focus,
        Fold,
        Recalled,
        Sentence,
        Slice,
    )
    from contextd.policy.facts.summary import Embed
    from contextd.policy.policies import Policy
    from contextd.policy.prompt.assembly import Frame
    from contextd.policy.prompt.resuming import Resumed
    from contextd.policy.rules import Rules
    from contextd.policy.state import Pause, SessionState


FEW_TURNS = 4
"""Turns up to which reading what binds takes no longer than going to a thread and back."""


class Unmade(Exception):
    """Something is needed that takes too long to be made on the event loop."""


@dataclass(frozen=True, slots=True)
class About:
    """What is known of the message: its tokens, what it is about, whether it wants action."""

    tokens: int
    focus: Focus
    acting: bool


@dataclass(frozen=True, slots=True)
class Composition:
    """A session at one revision, and what is asked of it.

    `heavy` says that long texts are in play.  `state` is then a snapshot, since others may
    write to the session while a thread works on it.
    """

    view: View
    memory: Memory
    state: SessionState
    request: BuildRequest
    rules: Rules
    heavy: bool
    pause: Pause | None = None
    embed: Embed | None = None
    known: Acquaintance = STRANGER

    @classmethod
    def begin(
        cls,
        view: View,
        request: BuildRequest,
        policy: Policy,
        *,
        now: int,
        embed: Embed | None = None,
        known: Acquaintance = STRANGER,
    ) -> Composition:
        """Begin at the view's revision and time *now*; *embed* is for folds made on the fly."""
        rules, memory = policy.rules, view.under(policy)
        text = len(request.message.text) if request.message else 0
        at = (request.message.occurred_at or now) if request.message else 0
        pause = pause_before(view.state, at, rules.resumption)
        unread = pause is not None and _refresh_of(view.state, pause) not in memory.refreshes
        heavy = unread or max(text, len(request.system_prompt)) > 8 * LONG_TEXT
        state = view.state.snapshot() if heavy else view.state
        return cls(view, memory, state, request, rules, heavy, pause, embed, known)

    async def frame(self, about: About) -> Frame:
        """Decide the context around what a search may find."""
        try:
            make = self.heavy
            return await maybe_in_thread(make, lambda: self._frame(self.state, about, make=make))
        except Unmade:
            state = self.state.snapshot()
            return await asyncio.to_thread(lambda: self._frame(state, about, make=True))

    async def assemble(
        self, framed: Frame, slices: tuple[Slice, ...], recalled: tuple[Recalled, ...] = ()
    ) -> Context:
        """Fill the frame with what the search found, and evidence *recalled*."""
        return await maybe_in_thread(
            self.heavy,
            lambda: assemble(
                framed,
                slices,
                request=self.request,
                state=self.state,
                rules=self.rules,
                meter=self.view.tokenizer,
                recalled=recalled,
            ),
        )

    def _frame(self, state: SessionState, about: About, *, make: bool) -> Frame:
        """Decide; what takes long is known already, or is made if *make* allows it.

        Raises:
            Unmade: it does not.
        """
        return frame(
            state,
            self.request,
            message_tokens=about.tokens,
            focus=about.focus,
            acting=about.acting,
            rules=self.rules,
            meter=self.view.tokenizer,
            making=Making(
                fold=partial(self._fold, state, make=make),
                binding=partial(self._binding, state, make=make),
                choose=partial(self._choice, make=make),
                remember=self.memory.told,
            ),
            resumed=self._resumed(state),
            known=self.known,
        )

    def _resumed(self, state: SessionState) -> Resumed | None:
        """Return what a long pause left, read once for all messages until the next one."""
        if self.pause is None:
            return None
        of = _refresh_of(state, self.pause)
        lines = self.memory.refreshes.get(of)
        if lines is None:
            lines = refresh_lines(state, self.pause.after, self.view.tokenizer)
            self.memory.refreshes = {of: lines}
        room = self.request.budget.input_tokens
        return resume(state, self.pause, lines, input_budget=room, rules=self.rules.resumption)

    def _fold(self, state: SessionState, through: int, *, make: bool) -> Fold:
        """Fold on the fly, for this answer only; the same again until one is published."""
        room = self.request.budget.input_tokens
        fold = self.memory.folds.get((through, room))
        if fold is not None:
            return fold
        if not make:
            raise Unmade
        fold = extract(
            state,
            through,
            rules=self.rules,
            meter=self.view.tokenizer,
            input_budget=room,
            embed=self.embed,
            again=self.view.carried,
        )
        self.memory.folds[through, room] = fold
        return fold

    def _binding(self, state: SessionState, through: int, *, make: bool) -> tuple[Sentence, ...]:
        """Return what binds of the turns up to *through*; each turn is read once."""
        base, room = base_of(state, through), self.request.budget.input_tokens
        heeded = self.memory.heeded

        def read() -> tuple[Sentence, ...]:
            turns = state.turns[base.through if base else 0 : through]
            if not make and heeded.lacking(turns) > FEW_TURNS:
                raise Unmade
            return binding_through(
                state,
                through,
                rules=self.rules,
                meter=self.view.tokenizer,
                input_budget=room,
                heed=heeded,
            )

        ended = state.owner.ended_through
        return self.memory.told(base, ("binding", through, room, ended), read)

    def _choice(self, facts: tuple[Fact, ...], limit: int, *, make: bool) -> tuple[Fact, ...]:
        """Choose among the facts of a fold, ranked once for all messages."""
        if not make and len(facts) > FEW and not self.memory.choices.known(facts):
            raise Unmade
        return self.view.choose(self.memory, facts, limit)


def _refresh_of(state: SessionState, pause: Pause) -> tuple[int, int]:
    """Return what the refresh after *pause* depends on: the turns, and what humans have settled."""
    return pause.after, len(state.owner.stretches)
