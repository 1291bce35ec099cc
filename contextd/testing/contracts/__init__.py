"""What every adapter must do, as one suite a port, each to subclass.

A subclass says how the adapter is opened, and what else its suite asks for; the tests come
with it.  Fakes pass the suite of what they stand for.
"""

from contextd.testing.contracts.embedders import EmbedderContract
from contextd.testing.contracts.stores import SessionStoreContract
from contextd.testing.contracts.summarizers import SummarizerContract

__all__ = ["EmbedderContract", "SessionStoreContract", "SummarizerContract"]
