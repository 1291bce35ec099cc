"""Every embedder passes the same suite."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pytest

from contextd.embedders import MINILM_FILES, fine_embedder, onnx, static
from contextd.embedders.onnx import OnnxEmbedder
from contextd.embedders.static import StaticEmbedder
from contextd.testing.contracts import EmbedderContract
from contextd.testing.fakes import HashEmbedder
from tests.embedders.files import small_model

if TYPE_CHECKING:
    from pathlib import Path

    from contextd.ports import Embedder

UNKNOWN = ["\x00", "\u0300" * 50]
"""Texts of characters that no vocabulary holds."""


class TestHashEmbedder(EmbedderContract):
    bound = HashEmbedder.MAX_CHARACTERS

    @classmethod
    def load(cls) -> Embedder:
        """Make one."""
        return HashEmbedder()


class TestStaticEmbedder(EmbedderContract):
    bound = static.MAX_CHARACTERS

    @classmethod
    def load(cls) -> Embedder:
        """Load the shipped files."""
        return StaticEmbedder()

    @pytest.mark.parametrize("text", [*UNKNOWN, "a" * 100_000, "\ufffd"])
    def test_unknown_words_are_a_row_of_zeros(self, embedder: Embedder, text: str) -> None:
        """What the vocabulary does not hold says nothing."""
        np.testing.assert_array_equal(embedder.embed([text]), 0.0)


class TestOnnxEmbedder(EmbedderContract):
    bound = onnx.MAX_CHARACTERS

    @classmethod
    def load(cls) -> Embedder:
        """Load the shipped files."""
        return OnnxEmbedder(MINILM_FILES)

    @pytest.mark.parametrize("text", UNKNOWN)
    def test_unknown_words_are_a_row_of_zeros(self, embedder: Embedder, text: str) -> None:
        """What the vocabulary does not hold says nothing."""
        np.testing.assert_array_equal(embedder.embed([text]), 0.0)


@pytest.mark.extra
@pytest.mark.filterwarnings("default")  # the library's own warnings are not ours
class TestSentenceTransformerEmbedder(EmbedderContract):
    bound = 32_768  # sentence_transformer.MAX_CHARACTERS; the module needs the library
    tolerance = 1e-3  # a batch is padded to its longest text, which changes the rounding
    folder: ClassVar[Path]

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _place(cls, tmp_path_factory: pytest.TempPathFactory) -> None:
        cls.folder = small_model(tmp_path_factory.mktemp("models") / "small")

    @classmethod
    def load(cls) -> Embedder:
        """Load a small model of the library's, as the setting names it."""
        load = fine_embedder(f"sentence-transformers:{cls.folder}")
        assert load is not None
        return load()
