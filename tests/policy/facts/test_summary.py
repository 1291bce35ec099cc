from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.policy.facts.gathering import judge
from contextd.policy.facts.summary import summarize
from contextd.policy.quoting import quote
from contextd.testing.fakes import WordTokenizer
from contextd.testing.scenario import Scenario

if TYPE_CHECKING:
    from contextd.model import Sentence

METER = WordTokenizer()


def summary(talk: Scenario, limit: int, before: tuple[Sentence, ...] = ()) -> tuple[Sentence, ...]:
    """Summarise the whole talk."""
    verdicts = judge(talk.turns)
    return summarize(
        talk.turns,
        verdicts,
        before=before,
        shown=(),
        everyone=talk.turns,
        limit=limit,
        meter=METER,
    )


def texts(found: tuple[Sentence, ...]) -> list[str]:
    """Return the texts alone."""
    return [item.text for item in found]


REQUEST = "My washing machine leaks water on the kitchen floor."
OUTCOME = "Your replacement has been booked for Friday under number R-7781."


def test_the_request_and_the_outcome_outlive_small_talk() -> None:
    """With room for two sentences, those that carry the conversation stay."""
    talk = Scenario().user("Hello there!").user(REQUEST).bot("I'm sorry to hear that.")
    talk.user("It is a nice day here by the way.").bot("Indeed, how lovely.").bot(OUTCOME)
    talk.user("ok thanks").bot("You're welcome!")
    assert texts(summary(talk, 32)) == [REQUEST, OUTCOME]


def test_the_same_thing_is_said_once() -> None:
    """A repetition adds nothing, so another sentence gets its room."""
    talk = Scenario()
    for _ in range(5):
        talk.user(REQUEST).bot("Our technician visits you tomorrow at noon.")
    assert len(set(texts(summary(talk, 28)))) == 2


def test_the_order_is_that_of_the_conversation() -> None:
    """Sentences are given as they were said, and fit the limit as quoted lines."""
    talk = Scenario().exchanges(20, words=9)
    found = summary(talk, 120)
    sequences = [item.sequence for item in found]
    assert sequences == sorted(sequences)
    cost = sum(METER.count(quote(talk.turns[item.sequence - 1], item.text)) for item in found)
    assert 60 < cost <= 120


def test_old_sentences_compete_with_new_ones() -> None:
    """What mattered before the last fold is still there after the next one."""
    talk = Scenario().user(REQUEST).bot(OUTCOME)
    before = summary(talk, 60)
    later = Scenario().user(REQUEST).bot(OUTCOME)
    later.user("What colours are there?").bot("We have white and grey ones.")
    verdicts = judge(later.turns[2:])
    rolled = summarize(
        later.turns[2:],
        verdicts,
        before=before,
        shown=(),
        everyone=later.turns,
        limit=32,
        meter=METER,
    )
    assert {REQUEST, OUTCOME} & set(texts(rolled))


def test_a_sentence_with_a_corrected_value_is_left_out() -> None:
    """The summary never tells what was taken back."""
    talk = Scenario().user("Send the machine to Oak Road 12 tomorrow.").bot("Noted.")
    talk.user("Sorry, I meant Elm Road 12, not Oak Road 12.")
    found = texts(summary(talk, 200))
    assert not any(text.startswith("Send the machine to Oak") for text in found)
    assert any("Elm Road" in text for text in found)


def test_structured_output_is_no_prose() -> None:
    """JSON is never quoted as a sentence."""
    talk = Scenario().user(REQUEST).tool("c", '{"status": "delivered", "order_id": "W77120"}')
    assert texts(summary(talk, 200)) == [REQUEST]


def test_the_problem_opens_the_summary_and_fragments_do_not() -> None:
    """The first turn's telling sentence is taken before its preamble and before an outcry."""
    talk = (
        Scenario()
        .user("Hi! I have a small disaster here. The kettle I ordered came with a broken spout.")
        .bot("I am sorry to hear that, please wait.")
        .user("BROKEN?! And that for the second time this week.")
    )
    assert [each.text for each in summary(talk, 24)][:1] == [
        "The kettle I ordered came with a broken spout."
    ]
    assert "BROKEN?!" not in [each.text for each in summary(talk, 60)]
