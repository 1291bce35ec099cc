"""The reference store: dicts in memory, gone when the process ends."""

from contextd.stores.memory.store import MemoryStore, open_hot, open_url

__all__ = ["MemoryStore", "open_hot", "open_url"]
