"""What is particular to sentence-transformers; `make test-extras` runs it, where the library is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contextd.embedders import fine_embedder
from tests.embedders.files import small_model

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.extra,
    pytest.mark.filterwarnings("default"),  # the library's own warnings are not ours
]


def test_the_id_names_the_files(tmp_path: Path) -> None:
    """Any change of a file changes the id, so that stored vectors are not mixed up."""
    folder = small_model(tmp_path / "small")
    load = fine_embedder(f"sentence-transformers:{folder}")
    assert load is not None
    embedder = load()
    assert embedder.dimensions == 24
    assert load().model_id == embedder.model_id
    (folder / "note").write_text("new")
    assert load().model_id != embedder.model_id
