"""The static embedder on the shipped files."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.normalizers import BertNormalizer

from contextd.embedders.static import SHIPPED, StaticEmbedder
from contextd.embedders.wordpieces import WordPieces

SENTENCES = [
    "The parcel has not arrived yet, can I get my money back?",
    "I want a refund because the delivery is late.",
    "My favourite pasta is spaghetti with basil and tomatoes.",
]
PIECES = WordPieces(Tokenizer.from_file(str(SHIPPED / "tokenizer.json")))
GOLDEN_COSINES = {(0, 1): 0.4636, (0, 2): 0.0207, (1, 2): -0.0242}


@pytest.fixture(scope="module")
def embedder() -> StaticEmbedder:
    """The shipped model."""
    return StaticEmbedder()


@pytest.mark.parametrize("pair", GOLDEN_COSINES)
def test_cosines_are_those_of_the_shipped_model(
    embedder: StaticEmbedder, pair: tuple[int, int]
) -> None:
    """The vectors are the ones the files were measured with."""
    first, second = embedder.embed([SENTENCES[i] for i in pair])
    assert first @ second == pytest.approx(GOLDEN_COSINES[pair], abs=1e-3)


@pytest.mark.parametrize(
    ("near", "far"),
    [
        (
            ("How do I reset my password?", "I forgot my login credentials."),
            ("How do I reset my password?", "The train leaves at nine."),
        ),
        (
            ("Does my insurance cover the dentist?", "Is a tooth extraction included in my plan?"),
            ("Does my insurance cover the dentist?", "We went hiking on Sunday."),
        ),
        (
            ("cancel the subscription", "I would like to end my membership"),
            ("cancel the subscription", "the weather is lovely"),
        ),
    ],
)
def test_related_texts_are_closer_than_unrelated_ones(
    embedder: StaticEmbedder, near: tuple[str, str], far: tuple[str, str]
) -> None:
    """Meaning shows, also without common words."""
    (a, b), (c, d) = embedder.embed(near), embedder.embed(far)
    assert a @ b > c @ d + 0.1


def test_a_nul_byte_is_as_if_absent(embedder: StaticEmbedder) -> None:
    """A NUL inside a word does not hide the word."""
    clean, dirty = embedder.embed(["refund please", "ref\x00und please"])
    np.testing.assert_array_equal(clean, dirty)


@pytest.mark.parametrize("token", ["<|endoftext|>", "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
def test_the_names_of_special_tokens_are_plain_text(embedder: StaticEmbedder, token: str) -> None:
    """Nobody can type a control token."""
    as_token, as_text = embedder.embed([token, " ".join(token)])
    assert np.linalg.norm(as_token) == pytest.approx(1.0, abs=1e-5)
    alone = embedder.embed([token.strip("<|>[]")])[0]
    assert as_token @ alone > as_token @ as_text


HARD = [
    "",
    " ",
    "Don't e-mail me@example.com: [UNK] [CLS] ##ing W-2378156!",
    "tab\tand\r\nlines_of 'code' {a: 1} ~`^|<>\\",
    "a" * 99 + " " + "b" * 100 + " " + "c" * 101,
    "ref\x00und \x0b\x0c\x1f\x7f please",
    "\u00c9t\u00e9 na\u00efve \u2019quoted\u2019 \u65e5\u672c \U0001f600 \u00a0 \u2028",
    "It\u2019s 5\u20137 \u201cdays\u201d\u2026 \u2014 no\u2018t\u2026\u2026x \u20ac20.50 5\u00a3",
    "\ufffd lone \ud800 surrogate".encode("utf-8", "replace").decode(),
]


@pytest.mark.parametrize("text", [*SENTENCES, *HARD])
def test_words_give_the_ids_of_the_whole_text(text: str) -> None:
    """Looking words up one by one gives what the library gives for the text."""
    for _ in range(2):
        assert PIECES.ids(text) == PIECES.whole(text)


TYPED = st.characters(max_codepoint=0x17F) | st.sampled_from(
    "\u2013\u2014\u2018\u2019\u201c\u201d\u2026"
)


@given(st.text(TYPED, max_size=60))
def test_any_text_gives_the_ids_of_the_whole(text: str) -> None:
    """So it is for anything that is typed."""
    assert PIECES.ids(text) == PIECES.whole(text)


@given(st.text(max_size=40), st.text(TYPED, max_size=30))
def test_letters_of_every_script_give_the_ids_of_the_whole(strange: str, typed: str) -> None:
    """So it is for words that are no plain English, alone and beside others."""
    text = f"{typed} {strange}{typed}\t{strange} {typed}".encode("utf-8", "replace").decode()
    assert PIECES.ids(text) == PIECES.whole(text)


def test_many_texts_give_the_vectors_of_each_alone() -> None:
    """To the bit, however many tokens are summed up at a time."""
    texts = [f"order {number} and " * (number % 90) for number in range(200)]
    together = StaticEmbedder().embed(texts)
    alone = np.concatenate([StaticEmbedder().embed([text]) for text in texts[::40]])
    assert together[::40].tobytes() == alone.tobytes()


def test_another_kind_of_tokenizer_is_not_second_guessed() -> None:
    """Where words are cut or changed otherwise, the library reads the text."""
    cased = Tokenizer.from_file(str(SHIPPED / "tokenizer.json"))
    cased.normalizer = BertNormalizer(lowercase=False)
    added = Tokenizer.from_file(str(SHIPPED / "tokenizer.json"))
    added.add_tokens(["refund please"])
    for other in (cased, added):
        pieces = WordPieces(other)
        assert pieces.ids("A Refund please") == pieces.whole("A Refund please")
        assert pieces.ids("a refund please") == pieces.whole("a refund please")
