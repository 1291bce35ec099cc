"""Conversations for tests, in one line each.

talk = Scenario().user("Where is order A-17?").bot("On its way.").user("Thanks")
await talk.record_in(store)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.events import Folded, SessionOpened, TurnsRecorded
from contextd.model import Action, Fold, Role, Sentence, SessionKey, Tier, ToolCall, Turn
from contextd.policy.state import SessionState, replay
from contextd.ports import Commit
from contextd.testing.fakes import START, WordTokenizer

if TYPE_CHECKING:
    from contextd.events import Record
    from contextd.ports import SessionStore, Tokenizer

MINUTE = 60_000_000


class Scenario:
    """Builds the log of one session, a turn a minute, one record a turn.

    `records` is the log so far; every method that adds to it returns the scenario.
    """

    def __init__(
        self,
        key: SessionKey | None = None,
        account_id: str = "",
        tokenizer: Tokenizer | None = None,
    ) -> None:
        """Open the session *key*, by default ("tenant", "conversation")."""
        self.key = key or SessionKey("tenant", "conversation")
        self._tokenizer = tokenizer or WordTokenizer()
        self.records: list[Record] = [SessionOpened(START, account_id)]
        self.turns: list[Turn] = []

    def user(self, text: str) -> Scenario:
        """The customer says *text*."""
        return self._say(Role.USER, text)

    def bot(self, text: str = "", calls: tuple[ToolCall, ...] = ()) -> Scenario:
        """The assistant says *text* and makes *calls*."""
        return self._say(Role.ASSISTANT, text, tool_calls=calls)

    def tool(self, call_id: str, text: str) -> Scenario:
        """The call *call_id* gave *text*."""
        return self._say(Role.TOOL, text, tool_call_id=call_id)

    def human(self, text: str, author: str = "Ann") -> Scenario:
        """A human agent says *text*."""
        return self._say(Role.HUMAN_AGENT, text, author=author)

    def action(self, name: str, status: str, detail: str = "") -> Scenario:
        """The assistant attempted something, and it ended as *status*."""
        return self._say(Role.ASSISTANT, "", actions=(Action(name, status, detail),))

    def exchanges(self, count: int, words: int = 20) -> Scenario:
        """Go on for *count* exchanges, each side saying *words* words."""
        for _ in range(count):
            at = len(self.turns)
            self.user(" ".join(f"ask{at}-{word}" for word in range(words)))
            self.bot(" ".join(f"answer{at}-{word}" for word in range(words)))
        return self

    def folded(self, through: int, summary: str = "They talked.") -> Scenario:
        """Fold the turns up to *through* into one sentence."""
        tokens = sum(turn.tokens for turn in self.turns[:through])
        sentence = Sentence(1, Role.USER, summary)
        self.records.append(Folded(self._now(), Fold(through, (sentence,), (), (), tokens)))
        return self

    def state(self) -> SessionState:
        """Return the state after all of it."""
        return replay(self.key, self.records)

    async def record_in(self, store: SessionStore) -> int:
        """Append the whole log to *store* as one commit and return the revision."""
        appended = await store.append(self.key, Commit(tuple(self.records), expected_revision=0))
        return appended.revision

    def _now(self) -> int:
        return START + len(self.records) * MINUTE

    def _say(self, role: Role, text: str, **rest: object) -> Scenario:
        sequence = len(self.turns) + 1
        counted = self._tokenizer.count(text)
        turn = Turn(
            turn_id=f"t{sequence}",
            role=role,
            text=text,
            occurred_at=self._now(),
            sequence=sequence,
            tokens=counted,
            **rest,  # type: ignore[arg-type]  # fields of Turn, by the methods above
        )
        self.turns.append(turn)
        self.records.append(
            TurnsRecorded(self._now(), "", "", (turn,), self._tokenizer.name, Tier.VERBATIM, 0.0)
        )
        return self
