from __future__ import annotations

import hashlib

from contextd.model import Fold, Message, Role, SectionKind, ToolCall
from contextd.policy.prompt.accounting import sections, stable_prefix, unrepresented
from contextd.policy.state import SessionState
from contextd.testing.fakes import WordTokenizer
from tests.policy.generated_sessions import KEY, apply, turn

FOLD = Fold(2, (), (), (), 4)


def session() -> SessionState:
    """Return four user turns."""
    state = SessionState(KEY)
    apply(state, tuple(turn(Role.USER, "a b") for _ in range(4)), None, WordTokenizer())
    return state


def message(kind: SectionKind, *sequences: int, tokens: int = 5) -> Message:
    """Return a message of a section."""
    return Message(Role.USER, "x", kind, tokens, sequences=sequences)


def test_a_section_sums_its_messages() -> None:
    """Tokens add up, turns are cited once and in order."""
    found = sections(
        [
            message(SectionKind.PINNED, 1),
            message(SectionKind.VERBATIM, 4),
            message(SectionKind.VERBATIM, 3, 4, tokens=7),
        ],
        session(),
    )
    assert [(part.kind, part.tokens, part.sequences, part.turn_ids) for part in found] == [
        (SectionKind.PINNED, 5, (1,), ("t1",)),
        (SectionKind.VERBATIM, 12, (3, 4), ("t3", "t4")),
    ]


def test_folded_turns_are_represented_by_a_summary() -> None:
    """Only what lies between the fold and the verbatim part is missing."""
    head = [message(SectionKind.SUMMARY, 1), message(SectionKind.VERBATIM, 4)]
    assert unrepresented(head, 3, FOLD, session(), told=False) == ()
    assert [item.sequences for item in unrepresented(head, 4, FOLD, session(), told=False)] == [
        (3,)
    ]


def test_without_a_summary_the_folded_turns_are_missing() -> None:
    """Except those that are quoted."""
    (found,) = unrepresented([message(SectionKind.PINNED, 1)], 3, FOLD, session(), told=False)
    assert (found.reason, found.sequences, found.tokens) == ("BUDGET", (2,), 2)


def test_the_hash_of_a_prefix_can_be_made_elsewhere() -> None:
    """It is SHA-256 over canonical JSON, as documented."""
    calls = (ToolCall("c", "f", "{}"),)
    prefix = stable_prefix(
        [
            Message(Role.USER, "é", SectionKind.VERBATIM, 5, author="A"),
            Message(Role.ASSISTANT, "", SectionKind.VERBATIM, 5, tool_calls=calls),
            Message(Role.TOOL, "1", SectionKind.VERBATIM, 5, tool_call_id="c"),
        ]
    )
    canonical = (
        '[["user","A","\\u00e9",[],""],'
        '["assistant","","",[["c","f","{}"]],""],'
        '["tool","","1",[],"c"]]'
    )
    assert prefix.message_count == 3
    assert prefix.sha256 == hashlib.sha256(canonical.encode()).hexdigest()
