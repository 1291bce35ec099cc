"""What the engine needs from the outside, in small contracts.

"Must" binds every adapter and is checked by `contextd.testing`; "need not" is freedom.
All methods may be called concurrently from one event loop unless they say otherwise.
"""

from __future__ import annotations

from typing import Protocol

from contextd.ports.courier import Courier, Notice
from contextd.ports.derived import AccountStore, HandoffInbox, IdleSessions, WorkQueue
from contextd.ports.reading import Embedder, Summarizer, Tokenizer, Tokenizers
from contextd.ports.sessions import Appended, Commit, SessionStore, StretchStore, VectorStore
from contextd.ports.surroundings import (
    Authenticator,
    Certificate,
    Clock,
    NewId,
    Observer,
    Policies,
)
from contextd.ports.tiers import Backlog, HotStore, Tail, Tiering

__all__ = [
    "AccountStore",
    "Appended",
    "Authenticator",
    "Backlog",
    "Certificate",
    "Clock",
    "Commit",
    "Courier",
    "Embedder",
    "HandoffInbox",
    "HotStore",
    "IdleSessions",
    "NewId",
    "Notice",
    "Observer",
    "Policies",
    "SessionStore",
    "Store",
    "StretchStore",
    "Summarizer",
    "Tail",
    "Tiering",
    "Tokenizer",
    "Tokenizers",
    "VectorStore",
    "WorkQueue",
]


class Store(SessionStore, VectorStore, StretchStore, Protocol):
    """All that is kept, in one backend."""

    @property
    def inbox(self) -> HandoffInbox:
        """The handoffs of its sessions."""

    @property
    def accounts(self) -> AccountStore:
        """The accounts, and the conversations of each."""

    @property
    def idle(self) -> IdleSessions:
        """Those of its sessions that nobody has used for long."""

    @property
    def work(self) -> WorkQueue:
        """The jobs that its sessions have queued."""
