"""The shipped model files: verified before they are used, named when they are damaged."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from contextd.embedders import MINILM_FILES
from contextd.embedders.onnx import OnnxEmbedder
from contextd.embedders.static import SHIPPED, StaticEmbedder
from contextd.errors import DataFileCorrupt
from tests.embedders.files import flip, remanifest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from contextd.ports import Embedder


@dataclass(frozen=True)
class Shipped:
    """An embedder with its folder, the beginning of its id, and what it must not import."""

    open: Callable[[Path], Embedder]
    folder: Path
    name: str
    weights: str
    absent: frozenset[str]


HEAVY = frozenset({"torch", "transformers", "huggingface_hub", "model2vec", "onnx", "sympy"})
STATIC = Shipped(
    StaticEmbedder,
    SHIPPED,
    "static-minilm-256-int8@",
    "model.safetensors",
    HEAVY | {"onnxruntime"},
)
MINILM = Shipped(OnnxEmbedder, MINILM_FILES, "minilm-l6-v2-384-int8@", "model.onnx", HEAVY)


@pytest.fixture(params=[STATIC, MINILM], ids=["static", "minilm"])
def shipped(request: pytest.FixtureRequest) -> Shipped:
    """One embedder after the other."""
    each: Shipped = request.param
    return each


@pytest.fixture
def copy(shipped: Shipped, tmp_path: Path) -> Path:
    """A copy of its files, to be spoilt."""
    return shutil.copytree(shipped.folder, tmp_path / "copy")


def damaged(shipped: Shipped, copy: Path, match: str = ".") -> None:
    """See that the files in *copy* are refused."""
    with pytest.raises(DataFileCorrupt, match=match):
        shipped.open(copy)


def file_of(shipped: Shipped, name: str) -> str:
    """The file name, "weights" being that of the model's own."""
    return shipped.weights if name == "weights" else name


def test_the_id_names_the_files(shipped: Shipped, copy: Path) -> None:
    """Any change of a file changes the id."""
    first = shipped.open(shipped.folder).model_id
    assert first.startswith(shipped.name)
    assert shipped.open(copy).model_id == first
    remanifest(copy, "config.json", (copy / "config.json").read_bytes() + b"\n")
    assert shipped.open(copy).model_id != first


@pytest.mark.parametrize("name", ["weights", "tokenizer.json", "config.json"])
def test_a_flipped_bit_is_refused(shipped: Shipped, copy: Path, name: str) -> None:
    """A damaged file is named, not used."""
    flip(copy / file_of(shipped, name))
    damaged(shipped, copy, file_of(shipped, name))


@pytest.mark.parametrize("name", ["weights", "tokenizer.json", "MANIFEST.sha256"])
def test_a_missing_file_is_refused(shipped: Shipped, copy: Path, name: str) -> None:
    """A missing file is named."""
    (copy / file_of(shipped, name)).unlink()
    damaged(shipped, copy, file_of(shipped, name))


@pytest.mark.parametrize("content", ["", "nonsense\n", "00  \n", "\x00  \x00\n"])
def test_a_damaged_manifest_is_refused(shipped: Shipped, copy: Path, content: str) -> None:
    """Without its manifest nothing is trusted."""
    (copy / "MANIFEST.sha256").write_text(content)
    damaged(shipped, copy)


@pytest.mark.parametrize("name", ["weights", "tokenizer.json", "config.json"])
@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff"])
def test_a_file_that_is_no_model_is_refused(
    shipped: Shipped, copy: Path, name: str, content: bytes
) -> None:
    """A file that agrees with the manifest must still be a model."""
    remanifest(copy, file_of(shipped, name), content)
    damaged(shipped, copy, "holds no (static )?model")


def test_loading_needs_neither_torch_nor_a_hub_client(shipped: Shipped) -> None:
    """A daemon never imports a training library."""
    made = shipped.open
    assert isinstance(made, type)
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        f"from {made.__module__} import {made.__name__} as Embedder\n"
        "Embedder(Path(sys.argv[1])).embed(['hello'])\n"
        "print(*sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, shipped.folder], check=True, capture_output=True, text=True
    )
    assert done.stderr == ""
    assert not shipped.absent & set(done.stdout.split())
