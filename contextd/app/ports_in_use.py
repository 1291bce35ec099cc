"""The adapters that the configuration chose."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from contextd.tokenizers import open_tokenizers

if TYPE_CHECKING:
    from contextd.config import Config
    from contextd.engine.in_force import InForce
    from contextd.observers import PrometheusObserver
    from contextd.ports import Embedder, Store, Tokenizers
    from contextd.tokenizers.catalog import Catalog


@dataclass(frozen=True, slots=True)
class Ports:
    """What the engine asks of the outside: the adapters in use, and the policies in force."""

    store: Store
    tokenizers: Tokenizers
    embedder: Embedder
    observer: PrometheusObserver
    policies: InForce


def shipped_tokenizers(config: Config) -> Catalog:
    """Return the tokenizers shipped, and those of the files configured."""
    files = {pattern: Path(file) for pattern, file in config.tokenizers.files.items()}
    return open_tokenizers(files)
