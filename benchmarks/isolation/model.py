"""What a tenant must see of its own sessions: a model to compare the daemon with."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Talk:
    """One conversation; `answered` maps a request id to the texts it recorded.

    `handoff` is the newest of its `handoffs`, "" for none.
    """

    account: str
    texts: list[str] = field(default_factory=list)
    answered: dict[str, tuple[str, ...]] = field(default_factory=dict)
    handoffs: int = 0
    handoff: str = ""
    revision: int = 0


@dataclass
class Case:
    """One handoff: where it is, and how it stands, as the contract numbers it."""

    conversation: str
    status: int


@dataclass
class Waiting:
    """A message that was put aside; `lease` names the one it was lent under."""

    conversation: str
    text: str
    lease: str = ""


@dataclass
class Talks:
    """The conversations of one tenant by their ids, the same ids as other tenants have.

    `facts` holds the values by key of each of its accounts, whose names others use, too;
    `cases` its handoffs and `waiting` its messages that were put aside, by their ids, and
    `dead_notice` is the last notice that was seen given up.
    """

    by_id: dict[str, Talk] = field(default_factory=dict)
    serial: int = 0
    facts: dict[str, dict[str, str]] = field(default_factory=dict)
    cases: dict[str, Case] = field(default_factory=dict)
    waiting: dict[str, Waiting] = field(default_factory=dict)
    dead_notice: str = ""

    def forget(self, conversation: str) -> Talk:
        """Let a conversation go, with its handoffs and what waits of it."""
        for known in (self.cases, self.waiting):
            for name in [n for n, each in known.items() if each.conversation == conversation]:
                del known[name]
        return self.by_id.pop(conversation, Talk(""))

    def next_number(self) -> int:
        """Return a number that was not given before."""
        self.serial += 1
        return self.serial
