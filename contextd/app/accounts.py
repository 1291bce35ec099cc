"""What is known of accounts: their memory, and the verbs over it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.app.running import new_id, now
from contextd.engine.account import AccountVerbs
from contextd.engine.accounts import HotAccounts
from contextd.engine.recapping import Recapper
from contextd.engine.returning import Returning

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from contextd.app.ports_in_use import Ports
    from contextd.config import Config
    from contextd.engine.writing import Writer
    from contextd.model import Erased, SessionKey
    from contextd.ports import Policies

ACCOUNTS_SHARE = 16
"""Accounts in memory take at most one part of so many of the room that sessions have."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts in memory, and what looks them up for a message."""

    hot: HotAccounts
    returning: Returning

    def verbs(
        self, policies: Policies, delete_session: Callable[[SessionKey], Awaitable[Erased]]
    ) -> AccountVerbs:
        """Return the verbs of AccountService; *delete_session* removes a conversation."""
        return AccountVerbs(
            self.hot,
            self.returning.recapper,
            delete_session,
            self.returning.accepted,
            now,
            new_id,
            policies,
        )


def wire_accounts(config: Config, ports: Ports, writer: Writer) -> Accounts:
    """Wire the memory of accounts over the store in use."""
    capacity = (config.sessions.capacity_mib << 20) // ACCOUNTS_SHARE
    hot = HotAccounts(ports.store.accounts, time.monotonic, capacity_bytes=capacity)
    recapper = Recapper(ports.store, writer.sessions, now, ports.observer)
    returning = Returning(hot, recapper, ports.embedder, writer.accepted)
    return Accounts(hot, returning)
