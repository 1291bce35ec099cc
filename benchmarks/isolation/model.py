"""What a tenant must see of its own sessions: a model to compare the daemon with."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Talk:
    """One conversation; `answered` maps a request id to the texts it recorded."""

    account: str
    texts: list[str] = field(default_factory=list)
    answered: dict[str, tuple[str, ...]] = field(default_factory=dict)
    handoffs: int = 0
    revision: int = 0


@dataclass
class Talks:
    """The conversations of one tenant by their ids, the same ids as other tenants have.

    `facts` holds the values by key of each of its accounts, whose names others use, too.
    """

    by_id: dict[str, Talk] = field(default_factory=dict)
    serial: int = 0
    facts: dict[str, dict[str, str]] = field(default_factory=dict)

    def next_number(self) -> int:
        """Return a number that was not given before."""
        self.serial += 1
        return self.serial
