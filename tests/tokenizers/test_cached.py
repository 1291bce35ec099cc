from __future__ import annotations

from contextd.tokenizers.cached import CachedTokenizer


class Counting:
    """Counts words, and how often it was asked."""

    name = "words"
    exact = True

    def __init__(self) -> None:
        self.asked = 0

    def count(self, text: str) -> int:
        """Count words."""
        self.asked += 1
        return len(text.split())

    def ends(self, text: str, head: int, tail: int) -> tuple[str, str]:
        """Cut characters."""
        return text[:head], text[len(text) - tail :]


def test_a_text_is_counted_once() -> None:
    """The second count of a text comes from memory."""
    inner = Counting()
    tokenizer = CachedTokenizer(inner)
    assert [tokenizer.count(text) for text in ("a b", "a b c", "a b")] == [2, 3, 2]
    assert inner.asked == 2


def test_the_memory_is_bounded() -> None:
    """The text not asked for longest is forgotten first."""
    inner = Counting()
    tokenizer = CachedTokenizer(inner, entries=2)
    for text in ("a", "b", "a", "c", "a"):
        tokenizer.count(text)
    assert inner.asked == 3
    tokenizer.count("b")
    assert inner.asked == 4


def test_no_text_is_kept() -> None:
    """What is remembered does not hold the text."""
    tokenizer = CachedTokenizer(Counting())
    tokenizer.count("a secret")
    assert "secret" not in repr(vars(tokenizer))


def test_the_rest_is_passed_on() -> None:
    """Name, exactness and cutting are those of the tokenizer within."""
    tokenizer = CachedTokenizer(Counting())
    assert (tokenizer.name, tokenizer.exact) == ("words", True)
    assert tokenizer.ends("abcdef", 2, 3) == ("ab", "def")
