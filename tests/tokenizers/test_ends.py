from __future__ import annotations

from contextd.tokenizers.ends import cut_ends, plain


class Moody:
    """One token a character, but a text that does not end in "a" costs two more."""

    def count(self, text: str) -> int:
        """Return the tokens."""
        return len(text) + (2 if text and text[-1] != "a" else 0)

    def prefix(self, text: str, tokens: int) -> int:
        """Return the characters of the first tokens."""
        return min(tokens, len(text))

    def suffix(self, text: str, tokens: int) -> int:
        """Return the characters of the last tokens."""
        return min(tokens, len(text))


def test_a_beginning_is_counted_as_it_will_stand() -> None:
    """A cut that makes the beginning dearer is followed by another one."""
    text = "aabbbbbbbb"
    assert cut_ends(Moody(), text, 4, 0) == ("aa", "")
    assert cut_ends(Moody(), text, 1, 0) == ("a", "")
    assert cut_ends(Moody(), "bbb", 1, 2) == ("", "")


def test_surrogates_keep_their_place() -> None:
    """A lone surrogate becomes one character, so positions stay the same."""
    assert plain("a\ud800b\udfff\U0001f98a") == "a?b?\U0001f98a"
