"""What of the conversation a message is about: what was just said, a detail, the whole.

Told by the form of the message.  Only a question, in any language that marks one, asks
for a detail: a message that tells something or asks for an action goes on from where the
conversation stands, and so does a question that leans on what was just said.
"""

from __future__ import annotations

import re

from contextd.model import Focus
from contextd.policy.retrieval.lexical import query_terms

_LEAST_OF_POINTING = 3
"""Terms of its own that a question needs when it also points at what was just said."""

_ASKS = re.compile(
    r"[?？؟]|^\W*(?:what|when|where|who|whom|whose|which|why|how|did|does|do|was|were|is|are|has"
    r"|have|had|can you|could you|would you|will you)\b"
    r"|\b(?:tell me|remind me|show me|give me|help me|list|explain|describe|compare|summari[sz]e"
    r"|recap|find out|look up|recall)\b",
    re.IGNORECASE,
)
_LEANS = re.compile(
    r"^\W*(?:and|so|then|but|or|what about|how about|also|ok|okay|yes|no|really)\b"
    r"|\b(?:it|this|these|those|them|they|that one|the (?:first|second|third|last|other) one"
    r"|the same)\b",
    re.IGNORECASE,
)
_OF_ANYTHING = frozenset(
    query_terms(
        "tell remind show give help list explain describe summarize summary recap overview stand "
        "know known say said talk talked speak discuss discussed mention mentioned agree agreed "
        "conversation chat discussion session history message thing things point points detail "
        "details everything anything something far now already earlier previously remember recall "
        "please thank thanks hello okay question ask asked answer status update going go next "
        "continue need want like get got make look see find check sure right good"
    )
)
"""Words that fit any conversation: who asks with these alone asks for nothing particular."""

_READ = 1_000
"""Characters of a message that are looked at."""


def focus_of(message: str | None) -> Focus:
    """Return what *message* is about.

    None, when the model goes on by itself, asks for no detail.
    """
    if message is None:
        return Focus.WHOLE
    if not _ASKS.search(message[:_READ]):
        return Focus.PRESENT
    own = sum(term not in _OF_ANYTHING for term in query_terms(message[:_READ]))
    if own < _LEAST_OF_POINTING and _LEANS.search(message[:_READ]):
        return Focus.PRESENT
    return Focus.DETAIL if own else Focus.WHOLE
