"""Which embedder a setting names."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from contextd import embedders
from contextd.errors import ConfigInvalid, DataFileCorrupt
from tests.embedders.files import flip

if TYPE_CHECKING:
    from pathlib import Path


def test_static_needs_no_other() -> None:
    """The name "static" stands for no finer model at all."""
    assert embedders.fine_embedder("static") is None


@pytest.mark.parametrize("model", ["", "MiniLM", "sentence-transformers:", "all-MiniLM-L6-v2"])
def test_an_unknown_model_is_refused(model: str) -> None:
    """A name that nobody knows is an error that says what there is."""
    with pytest.raises(ConfigInvalid, match="minilm"):
        embedders.fine_embedder(model)


def test_a_missing_library_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra to install is in the message, before anything is served."""
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)  # nowhere to be found
    with pytest.raises(ConfigInvalid, match=r"pip install 'contextd\[sentence-transformers\]'"):
        embedders.fine_embedder("sentence-transformers:some/model")


def test_damaged_files_are_found_before_loading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon with damaged files does not start, rather than degrade in silence."""
    copy = tmp_path / "minilm"
    copy.mkdir()
    for file in embedders.MINILM_FILES.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    flip(copy / "model.onnx")
    monkeypatch.setattr(embedders, "MINILM_FILES", copy)
    with pytest.raises(DataFileCorrupt, match=r"model\.onnx") as caught:
        embedders.fine_embedder("minilm")
    assert "install contextd again, or go without" in str(caught.value)
    assert 'embedder.model = "static"' in str(caught.value)
