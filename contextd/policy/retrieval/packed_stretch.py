"""The index of a stretch of turns as bytes, to be kept with the session.

    crc32 over all that follows | print of the turns | passages | dimensions | postings
    a `PASSAGE` each | a byte a dimension of its vector | a `POSTING` each

What an index holds follows from the turns and from how they are read, so that a stretch is
good only where both are the same: `read` compares the turns, and what keeps stretches
compares `method`.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from struct import Struct
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from contextd.model import Role, ToolCall, Turn
from contextd.policy.retrieval.index import PassageIndex
from contextd.policy.retrieval.passages import cut, said
from contextd.policy.retrieval.stretch import PASSAGE, POSTING, Stretch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from contextd.policy.rules import RetrievalRules

TURNS = 64
"""Turns of a stretch; the newest turns, fewer than that, are indexed again."""

FORMAT = 1

_HEADER = Struct("<I16sIHI")
_CHECKSUM_BYTES = 4


def write(stretch: Stretch, turns: Sequence[Turn]) -> bytes:
    """Return the bytes to keep of *stretch*, which stands for *turns*."""
    rows, width = stretch.codes.shape
    head = _HEADER.pack(0, _print(turns), rows, width, len(stretch.postings))
    parts = (stretch.passages.tobytes(), stretch.codes.tobytes(), stretch.postings.tobytes())
    body = b"".join((head[_CHECKSUM_BYTES:], *parts))
    return crc32(body).to_bytes(_CHECKSUM_BYTES, "little") + body


def read(kept: bytes, turns: Sequence[Turn]) -> Stretch | None:
    """Return the stretch that was kept, None when it is damaged or not that of *turns*."""
    if len(kept) < _HEADER.size:
        return None
    checksum, of, rows, width, postings = _HEADER.unpack_from(kept)
    if checksum != crc32(memoryview(kept)[_CHECKSUM_BYTES:]) or of != _print(turns):
        return None
    passages = np.frombuffer(kept, PASSAGE, rows, _HEADER.size)
    codes = np.frombuffer(kept, np.uint8, rows * width, _HEADER.size + passages.nbytes)
    after = _HEADER.size + passages.nbytes + codes.nbytes
    return Stretch(
        passages, codes.reshape(rows, width), np.frombuffer(kept, POSTING, postings, after)
    )


def method(
    rules: RetrievalRules,
    count: Callable[[str], int],
    embed: Callable[[Sequence[str]], NDArray[np.float32]],
) -> str:
    """Name how turns are read, by what becomes of a sample.

    Another version of a library, another rule or another model shows in the sample's index,
    without anybody having to remember that a number is to be raised.
    """
    index = PassageIndex()
    for turn in _SAMPLE:
        passages = cut(turn, rules=rules, count=count)
        index.extend(passages, embed([passage.text for passage in passages]))
    kept = write(index.stretch(1, len(_SAMPLE)), _SAMPLE)
    return f"{FORMAT}:{blake2b(kept, digest_size=16).hexdigest()}"


def _print(turns: Sequence[Turn]) -> bytes:
    """Number all that an index takes from *turns*."""
    found = blake2b(digest_size=16)
    for turn in turns:
        text = said(turn).encode("utf-8", "surrogatepass")
        about = (
            f"{turn.sequence}\0{turn.role.value}\0{turn.author}\0{turn.occurred_at}\0{len(text)}\0"
        )
        found.update(about.encode("utf-8", "surrogatepass"))
        found.update(text)
    return found.digest()


_PROSE = (
    "I'd been running late; the carrier's tracking page (see https://example.com/track?id=7) said "
    "it had shipped on 2024-05-01 at 14:30, but wasn't updated since. Could you re-check order "
    "W2378156 for bo_li@example.com? He's paid \u20ac1,299.50 \u2013 or \u00a3999 \u2013 in two "
    "instalments.\nThe caf\u00e9\u2019s na\u00efve r\u00e9sum\u00e9 said \u201cSTRASSE\u201d, "
    "Stra\u00dfe, \u0130stanbul and \ufb01ne.\tThey\u2019ll refund 3.5kg of H2O\u2026\n\n"
)

_SAMPLE = tuple(
    replace(turn, sequence=sequence)
    for sequence, turn in enumerate(
        (
            Turn("", Role.USER, _PROSE * 4, "Ana-Maria (Lis)", occurred_at=1_714_573_800_000_000),
            Turn("", Role.ASSISTANT, "Yes, yes."),
            Turn("", Role.USER, "\u8fd4\u54c1\u3092\u304a\u9858\u3044\u3057\u3002" * 40),
            Turn("", Role.TOOL, '{"orders": [' + '{"id": "A-1", "\u00e9tat": "ok"}, ' * 40 + "]}"),
            Turn("", Role.ASSISTANT, "", tool_calls=(ToolCall("", "find_order", '{"id": 7}'),)),
            Turn("", Role.USER, "a\u0001b\u00a0c\u3000d \U0001f600 x" + "y" * 2_000),
        ),
        1,
    )
)
"""Texts in which every way of cutting, reading and counting words has something to do."""
