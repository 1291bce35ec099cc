"""Texts that are made to take long: what rules, patterns and tokenizers stumble over."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

REPEATED: Mapping[str, str] = {
    "blanks": " ",
    "line breaks": "\n",
    "blank lines": " \n",
    "tabs": "\t",
    "one word": "a",
    "capitals": "A",
    "digits": "7",
    "numbers": "1 ",
    "decimals": "1.",
    "dashed numbers": "1-",
    "clock": "12:",
    "dots": ".",
    "dots apart": ". ",
    "commas": ",",
    "exclamation": "!",
    "questions": "?",
    "quotation marks": '"',
    "apostrophes": "'",
    "at signs": "a@",
    "domains": "a@a.",
    "hyphens": "a-",
    "underscores": "a_",
    "identifiers": "A-1-",
    "hashes": "#1",
    "money": "$1,",
    "addresses": "http://",
    "query strings": "a=b&",
    "emoji": "🙂",
    "joined emoji": "👨\u200d👩\u200d👧",
    "combining marks": "e" + "\u0301" * 9,
    "right to left": "\u202e",
    "wishes": "I want to ",
    "negations": "not ",
    "requests": "please ",
    "conjunctions": "and ",
    "names": "The Quick Brown ",
    "short names": "Aa ",
    "corrections": "no, that's wrong, it's ",
    "promises": "I will send you ",
    "a human": "talk to a human agent ",
    "errors": "error failed error: ",
    "pairs": "key: value\n",
    "brackets": "(",
    "tags": "<a>",
    "markup": "*`|",
    "dates": "on May 5 2024-01-01 ",
    "times": "12:30 pm ",
    "sentences": "My order number is A-17 and it costs $20 on May 5. ",
    "no full stop": "my order number is A-17 and it costs $20 on May 5 ",
    "abbreviations": "e.g. i.e. Mr. ",
    "contractions": "don't won't can't ",
    "Chinese": "漢字。",
    "NUL": "\0",
    "special tokens": "<|endoftext|>",
}
"""What is said over and over, by what is hostile about it."""


def hostile_texts(size: int) -> dict[str, str]:
    """Return texts of about *size* characters, by what is hostile about them."""
    texts = {name: (unit * (size // len(unit) + 1))[:size] for name, unit in REPEATED.items()}
    depth = size // 2
    items = [{"id": at, "status": "failed"} for at in range(size // 32)]
    return texts | {
        "nested arrays": "[" * depth + "]" * depth,
        "nested objects": '{"a":' * (size // 6) + "1" + "}" * (size // 6),
        "open objects": '{"a":' * (size // 5),
        "a long list": json.dumps(items),
        "distinct words": " ".join(f"w{at:x}" for at in range(size // 7)),
    }
