from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import tiktoken_ext.openai_public  # type: ignore[import-untyped]  # has no types
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.errors import DataFileCorrupt
from contextd.tokenizers.openai import CL100K, DATA, O200K, PIECE, BytePairTokenizer, load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tiktoken import Encoding

O200K_BASE = load(O200K)
CL100K_BASE = load(CL100K)

ENCODINGS = pytest.mark.parametrize(
    "tokenizer", [O200K_BASE, CL100K_BASE], ids=["o200k_base", "cl100k_base"]
)

TEXT = st.text(st.characters(), max_size=60) | st.sampled_from(
    [
        "",
        " ",
        "\n",
        "é" * 9,
        "👩‍👩‍👧‍👦" * 3,
        "a  \n\n  b",
        "日本語のテキスト",
        "1234567",
        "\ud800",
        "\x00",
        " \t ",
    ]
)


@pytest.mark.parametrize(
    ("text", "o200k", "cl100k"),
    [
        ("", 0, 0),
        ("hello world", 2, 2),
        ("<|endoftext|>", 7, 7),
        ("お誕生日おめでとう", 8, 9),
        ("tiktoken is great!", 6, 6),
        ("antidisestablishmentarianism", 6, 6),
        ("2 + 2 = 4", 7, 7),
        ("The refund of $1,249.50 for order #A-10293 is due on 2024-05-01.", 27, 27),
    ],
)
def test_known_texts_have_their_known_counts(text: str, o200k: int, cl100k: int) -> None:
    """The shipped ranks and patterns count as OpenAI's own tools do."""
    assert (O200K_BASE.count(text), CL100K_BASE.count(text)) == (o200k, cl100k)


@pytest.mark.parametrize("shipped", [O200K, CL100K], ids=["o200k_base", "cl100k_base"])
def test_the_patterns_are_those_of_tiktoken(
    shipped: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An update of tiktoken that changes an encoding does not go unnoticed."""
    asked: list[tuple[str, str]] = []

    def note(url: str, expected_hash: str) -> dict[bytes, int]:
        asked.append((url.rpartition("/")[2], expected_hash))
        return {}

    monkeypatch.setattr(tiktoken_ext.openai_public, "load_tiktoken_bpe", note)
    ours = O200K if shipped is O200K else CL100K
    theirs = getattr(tiktoken_ext.openai_public, ours.name)()
    assert theirs["pat_str"] == ours.pattern
    assert asked == [(f"{ours.name}.tiktoken", ours.sha256)]


@ENCODINGS
@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\x00", "\x00" * 9, "￾￿", "\U0010ffff"])
def test_odd_characters_are_counted(tokenizer: BytePairTokenizer, text: str) -> None:
    """Lone surrogates, NUL and non-characters raise nothing."""
    assert 0 < tokenizer.count(text) <= 4 * len(text)


@ENCODINGS
def test_a_megabyte_of_blanks_is_counted(tokenizer: BytePairTokenizer) -> None:
    """Texts are counted in pieces, since a longer run of blanks makes tiktoken panic."""
    assert 0 < tokenizer.count(" " * 1_048_576 + "x") < PIECE


@ENCODINGS
@pytest.mark.parametrize("unit", ["a", "^", " ", "order 12345 is late. ", "\n", "é", "日"])
def test_time_grows_with_the_length(tokenizer: BytePairTokenizer, unit: str) -> None:
    """Twice the text takes about twice the time, for prose and for one character repeated."""
    text = unit * (200_000 // len(unit))
    half = _seconds(lambda: tokenizer.count(text[: len(text) // 2]))
    assert _seconds(lambda: tokenizer.count(text)) < 3 * half + 0.05


def _seconds(work: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


@ENCODINGS
@given(
    lines=st.lists(
        st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=40), max_size=6
    )
)
@settings(max_examples=100)
def test_quoted_lines_add_up(tokenizer: BytePairTokenizer, lines: list[str]) -> None:
    """A block of "- (…" lines has exactly the tokens of its lines."""
    quoted = ["What the user said:\n", *(f"- 3 user: {line}\n" for line in lines)]
    assert tokenizer.count("".join(quoted)) == sum(map(tokenizer.count, quoted))


@ENCODINGS
@given(text=TEXT, head=st.integers(0, 20), tail=st.integers(0, 20))
@settings(max_examples=300)
def test_ends_keep_their_limits(
    tokenizer: BytePairTokenizer, text: str, head: int, tail: int
) -> None:
    """The two ends are parts of the text, do not overlap, and cost what was allowed."""
    first, last = tokenizer.ends(text, head, tail)
    assert text.startswith(first)
    assert text.endswith(last)
    assert len(first) + len(last) <= len(text)
    assert tokenizer.count(first) <= head
    assert tokenizer.count(last) <= tail


@pytest.mark.parametrize(
    ("text", "tail"), [("(\n\n//", 1), ("'LL'LL'LLa1", 4), ("-é\n\n!!!!\n//-", 2)]
)
def test_an_end_is_counted_as_it_will_stand(text: str, tail: int) -> None:
    """Cut from its context, an end can have more tokens than it had there; it is cut again."""
    last = O200K_BASE.ends(text, 0, tail)[1]
    assert text.endswith(last)
    assert O200K_BASE.count(last) <= tail


@ENCODINGS
def test_ends_use_what_they_may(tokenizer: BytePairTokenizer) -> None:
    """The ends of prose are as long as the limits allow, and a short text stays whole."""
    text = "The order is late. " * 5_000
    first, last = tokenizer.ends(text, 100, 30)
    assert (tokenizer.count(first), tokenizer.count(last)) == (100, 30)
    assert tokenizer.ends("hello world", 5, 5) == ("hello world", "")


@ENCODINGS
@pytest.mark.parametrize("unit", [" ", "-", "a", "x "])
def test_ends_of_a_megabyte(tokenizer: BytePairTokenizer, unit: str) -> None:
    """Long runs, where a token holds many characters, are cut within the limits too."""
    text = unit * (1_048_576 // len(unit))
    first, last = tokenizer.ends(text, 50, 50)
    assert 0 < tokenizer.count(first) <= 50
    assert 0 < tokenizer.count(last) <= 50


class PanicException(BaseException):  # the name that PyO3 gives it
    """Stands for a panic of the Rust code, which cannot be made at will."""


class Panicking:
    name = "panicking"

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def encode_ordinary(self, text: str) -> list[int]:
        """Fail as told."""
        raise self.error


def test_a_panic_gives_an_upper_bound() -> None:
    """When the encoder panics, the bytes of the text stand for its tokens."""
    encoding: Encoding = Panicking(PanicException())  # type: ignore[assignment]  # a stand-in
    assert BytePairTokenizer(encoding).count("né") == 3


def test_only_a_panic_is_caught() -> None:
    """Other errors of the encoder are not hidden."""
    encoding: Encoding = Panicking(KeyboardInterrupt())  # type: ignore[assignment]  # a stand-in
    with pytest.raises(KeyboardInterrupt):
        BytePairTokenizer(encoding).count("x")


def test_a_damaged_rank_file_is_refused(tmp_path: Path) -> None:
    """A file that differs from its hash by one byte is not used."""
    content = bytearray((DATA / "cl100k_base.tiktoken").read_bytes())
    content[1000] ^= 1
    (tmp_path / "cl100k_base.tiktoken").write_bytes(content)
    with pytest.raises(DataFileCorrupt, match="expected 223921b7"):
        load(CL100K, tmp_path)


def test_a_missing_rank_file_is_refused(tmp_path: Path) -> None:
    """Nothing is downloaded in place of a file that is not there."""
    with pytest.raises(DataFileCorrupt, match="cannot be read"):
        load(replace(CL100K, name="nothing"), tmp_path)
