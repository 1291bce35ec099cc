"""What every adapter must do, as one suite a port, each to subclass.

A subclass says how the adapter is opened, and what else its suite asks for; the tests come
with it.  Fakes pass the suite of what they stand for.  A store has six suites:

    class TestMyStore(StoreContract): ...

and one more if several processes may have it open:

    class TestMyStoreShared(SharedStoreContract): ...
"""

from contextd.testing.contracts.accounts import AccountStoreContract
from contextd.testing.contracts.embedders import EmbedderContract
from contextd.testing.contracts.idle import IdleSessionsContract
from contextd.testing.contracts.inbox import HandoffInboxContract
from contextd.testing.contracts.incarnations import IncarnationContract
from contextd.testing.contracts.shared import SharedStoreContract
from contextd.testing.contracts.stores import SessionStoreContract
from contextd.testing.contracts.summarizers import SummarizerContract
from contextd.testing.contracts.tiers import HotStoreContract
from contextd.testing.contracts.work import WorkQueueContract

__all__ = [
    "AccountStoreContract",
    "EmbedderContract",
    "HandoffInboxContract",
    "HotStoreContract",
    "IdleSessionsContract",
    "IncarnationContract",
    "SessionStoreContract",
    "SharedStoreContract",
    "StoreContract",
    "SummarizerContract",
    "WorkQueueContract",
]


class StoreContract(
    SessionStoreContract,
    IncarnationContract,
    HandoffInboxContract,
    IdleSessionsContract,
    AccountStoreContract,
    WorkQueueContract,
):
    """All that a Store must do, in one suite."""
