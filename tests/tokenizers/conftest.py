from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from contextd.tokenizers import open_tokenizers

if TYPE_CHECKING:
    from pathlib import Path

    from contextd.tokenizers.catalog import Catalog


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """Load the shipped encodings once for all tests."""
    catalog = open_tokenizers()
    catalog.named("cl100k_base").count("")
    return catalog


@pytest.fixture(scope="session")
def tokenizer_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a small byte-level vocabulary, with a special token and a truncation to ignore."""
    pipeline = Tokenizer(models.BPE())
    pipeline.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        show_progress=False,
        special_tokens=["<s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    pipeline.train_from_iterator(["the order of the day is late"] * 50, trainer)
    pipeline.enable_truncation(4)
    path = tmp_path_factory.mktemp("hf") / "tokenizer.json"
    pipeline.save(str(path))
    return path
