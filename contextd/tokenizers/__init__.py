"""Adapters of the Tokenizer and Tokenizers ports.

`open_tokenizers()` is the way in; nothing here uses the network or the environment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.tokenizers.catalog import Catalog
from contextd.tokenizers.models import SHIPPED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def open_tokenizers(hf_files: Mapping[str, Path] | None = None) -> Catalog:
    """Return the catalog with its default encoding loaded, 0.2 seconds.

    *hf_files* maps patterns of model names to Hugging Face `tokenizer.json` files; the first
    match counts.  Raises DataFileCorrupt when a file is missing or damaged.
    """
    catalog = Catalog(hf_files or {})
    catalog.named(SHIPPED[0]).count("")
    return catalog
