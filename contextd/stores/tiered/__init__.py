"""Sessions in use in one store, all of them in another behind it."""

from contextd.stores.tiered.store import TieredStore
from contextd.stores.tiered.terms import Terms

__all__ = ["Terms", "TieredStore"]
