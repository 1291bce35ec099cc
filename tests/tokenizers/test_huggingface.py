from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contextd.errors import DataFileCorrupt
from contextd.tokenizers.huggingface import HuggingFaceTokenizer

if TYPE_CHECKING:
    from pathlib import Path


def test_counts_are_those_of_the_file(tokenizer_file: Path) -> None:
    """The trained words are one token, and a truncation that the file asks for is ignored."""
    tokenizer = HuggingFaceTokenizer(tokenizer_file)
    assert tokenizer.count("the order of the day") == 5
    assert tokenizer.count("the order of the day" + " is late" * 50) == 105


def test_special_tokens_are_plain_text(tokenizer_file: Path) -> None:
    """A marker that a user typed does not count as the marker."""
    assert HuggingFaceTokenizer(tokenizer_file).count("<s>") == 3


@pytest.mark.parametrize("text", ["", "\ud800", "\x00", "￿", "🦊" * 9, "日本語"])
def test_odd_texts_are_counted(tokenizer_file: Path, text: str) -> None:
    """No string raises."""
    assert 0 <= HuggingFaceTokenizer(tokenizer_file).count(text) <= 4 * len(text)


@given(
    text=st.text(st.characters(), max_size=60) | st.sampled_from(["the order of the day " * 9]),
    head=st.integers(0, 12),
    tail=st.integers(0, 12),
)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_ends_keep_their_limits(tokenizer_file: Path, text: str, head: int, tail: int) -> None:
    """The two ends are parts of the text, do not overlap, and cost what was allowed."""
    tokenizer = HuggingFaceTokenizer(tokenizer_file)
    first, last = tokenizer.ends(text, head, tail)
    assert text.startswith(first)
    assert text.endswith(last)
    assert len(first) + len(last) <= len(text)
    assert tokenizer.count(first) <= head
    assert tokenizer.count(last) <= tail


def test_something_else_is_refused(tmp_path: Path) -> None:
    """A file that is no tokenizer is named in the error."""
    path = tmp_path / "tokenizer.json"
    path.write_text("{}")
    with pytest.raises(DataFileCorrupt, match=r"tokenizer\.json"):
        HuggingFaceTokenizer(path)
