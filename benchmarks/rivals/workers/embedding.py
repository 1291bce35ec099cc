"""contextd's static embedder, for libraries that take one: the same vectors for all."""

from __future__ import annotations

from functools import lru_cache

from contextd.embedders.static import StaticEmbedder


@lru_cache(maxsize=1)
def embedder() -> StaticEmbedder:
    """Return the embedder, loaded once."""
    return StaticEmbedder()


def vector(text: str) -> list[float]:
    """Return the unit vector of *text*."""
    found: list[float] = embedder().embed([text])[0].tolist()
    return found
