from __future__ import annotations

import subprocess
import sys
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from contextd.errors import DataFileCorrupt
from contextd.tokenizers import open_tokenizers
from contextd.tokenizers.catalog import Catalog
from contextd.tokenizers.deferred import DeferredTokenizer
from contextd.tokenizers.openai import Shipped

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-5", "o200k_base"),
        ("gpt-5-mini-2025-08-07", "o200k_base"),
        ("gpt-4o", "o200k_base"),
        ("GPT-4o-mini", "o200k_base"),
        ("openai/gpt-4.1", "o200k_base"),
        ("o1", "o200k_base"),
        ("o3-mini", "o200k_base"),
        ("o4-mini-2025-04-16", "o200k_base"),
        ("chatgpt-4o-latest", "o200k_base"),
        ("gpt-oss-120b", "o200k_base"),
        ("gpt-4", "cl100k_base"),
        ("gpt-4-turbo", "cl100k_base"),
        ("gpt-3.5-turbo-0125", "cl100k_base"),
        ("ft:gpt-4o:shop::id", "o200k_base"),
        ("", "o200k_base"),
        ("davinci", "o200k_base*1.15"),
        ("gemini-2.5-pro", "o200k_base*1.15"),
        ("meta-llama/Llama-3.1-8B", "o200k_base*1.15"),
        ("meta-llama/Llama-2-7b-chat-hf", "o200k_base*1.35"),
        ("mistral-large", "o200k_base*1.15"),
        ("claude-sonnet-4-5-20250929", "o200k_base*1.30"),
        ("us.anthropic.claude-opus-4-1-20250805-v1:0", "o200k_base*1.30"),
        ("claude-opus-4-7", "o200k_base*1.70"),
        ("claude-sonnet-5", "o200k_base*1.70"),
        ("\x00 / * \ud800", "o200k_base*1.15"),
    ],
)
def test_every_model_has_an_encoding(catalog: Catalog, model: str, name: str) -> None:
    """OpenAI's models, and no model, are counted exactly; others with their family's margin."""
    tokenizer = catalog.for_model(model)
    assert tokenizer.name == name
    assert tokenizer.exact == ("*" not in name)


@pytest.mark.parametrize("model", ["gpt-4", "gpt-4o", "claude-2", ""])
def test_a_name_leads_back_to_its_tokenizer(catalog: Catalog, model: str) -> None:
    """The encoding stored beside a count finds the same tokenizer again."""
    tokenizer = catalog.for_model(model)
    assert catalog.named(tokenizer.name) is tokenizer


@pytest.mark.parametrize(("percent", "tokens"), [("1.05", 107), ("2.00", 202)])
def test_a_margin_of_an_older_table_is_still_known(
    catalog: Catalog, percent: str, tokens: int
) -> None:
    """A count made with another factor can be continued with it."""
    tokenizer = catalog.named(f"cl100k_base*{percent}")
    assert tokenizer.name == f"cl100k_base*{percent}"
    assert tokenizer.count("hello " * 100) == tokens


@pytest.mark.parametrize(
    "name", ["", "gpt2", "hf:00000000", "o200k_base*0.50", "o200k_base*99.00", "o200k_base*x.yy"]
)
def test_an_unknown_name_gives_the_default(catalog: Catalog, name: str) -> None:
    """A name from another configuration is answered, and the answer's name tells."""
    assert catalog.named(name).name == "o200k_base*1.15"


def test_margins_round_up(catalog: Catalog) -> None:
    """An estimated count is never below the count it rests on times the factor."""
    estimate, exact = catalog.named("o200k_base*1.15"), catalog.named("o200k_base")
    text = "The order is late. " * 37
    for length in range(0, len(text), 7):
        assert estimate.count(text[:length]) * 100 >= exact.count(text[:length]) * 115


def test_estimated_ends_keep_their_limits(catalog: Catalog) -> None:
    """The ends of a text fit when counted with the margin."""
    estimate = catalog.named("o200k_base*1.70")
    text = "The order is late. " * 400
    for limit in range(60):
        assert max(map(estimate.count, estimate.ends(text, limit, limit))) <= limit


def test_a_configured_file_comes_first(tokenizer_file: Path) -> None:
    """A pattern decides before the built-in table, with or without the provider's prefix."""
    catalog = open_tokenizers({"llama-*": tokenizer_file, "gpt-4o-shop": tokenizer_file})
    tokenizer = catalog.for_model("llama-3.1-8b")
    assert tokenizer.name.startswith("hf:")
    assert tokenizer.exact
    assert catalog.for_model("meta/Llama-3") is tokenizer
    assert catalog.for_model("gpt-4o-shop").name == tokenizer.name
    assert catalog.for_model("gpt-4o").name == "o200k_base"
    assert catalog.named(tokenizer.name).count("the order") == tokenizer.count("the order")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A configured file that is not there stops the start, not the first call."""
    with pytest.raises(DataFileCorrupt, match="no tokenizer file"):
        open_tokenizers({"llama-*": tmp_path / "tokenizer.json"})


def test_an_encoding_is_loaded_once() -> None:
    """Threads that ask at the same time get the same tokenizer."""
    catalog, found = Catalog({}), []
    threads = [Thread(target=lambda: found.append(catalog.for_model("gpt-4"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1


def test_ranks_are_read_when_something_is_counted() -> None:
    """An encoding can be named before its file is read; then a missing one is refused."""
    tokenizer = DeferredTokenizer(Shipped("not_shipped", sha256="", pattern=""))
    assert (tokenizer.name, tokenizer.exact) == ("not_shipped", True)
    with pytest.raises(DataFileCorrupt, match=r"not_shipped\.tiktoken"):
        tokenizer.count("")
    with pytest.raises(DataFileCorrupt, match=r"not_shipped\.tiktoken"):
        tokenizer.ends("a", 1, 1)


def test_opening_needs_neither_network_nor_environment() -> None:
    """The default encoding works in a process without sockets, environment or home."""
    code = (
        "import os, socket; socket.socket = None; os.environ.clear()\n"
        "from contextd.tokenizers import open_tokenizers\n"
        "assert open_tokenizers().for_model('gpt-4').count('hello world') == 2\n"
        "assert not os.environ"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
