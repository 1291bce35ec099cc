from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from contextd.model import Role, Sentence
from contextd.policy.facts.gathering import judge
from contextd.policy.facts.summary import summarize
from contextd.policy.quoting import quote
from contextd.testing.fakes import WordTokenizer
from contextd.testing.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from contextd.policy.facts.summary import Embed

METER = WordTokenizer()


def summary(
    talk: Scenario, limit: int, before: tuple[Sentence, ...] = (), embed: Embed | None = None
) -> tuple[Sentence, ...]:
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
        embed=embed,
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


def test_what_points_at_another_sentence_brings_it_along() -> None:
    """A sentence that begins with "That one" is never quoted without what it means."""
    kettle = "There is a steel kettle on the second page."
    price = "That one costs 89 euros, weighs 1200 grams, and I found it at Lidl."
    talk = Scenario().bot(kettle).user(price).bot("Our second page has 40 kettles from Lyon.")
    limit = sum(METER.count(quote(turn, turn.text)) for turn in talk.turns[:2])
    assert texts(summary(talk, limit)) == [kettle, price]
    assert price not in texts(summary(talk, limit - 1))


def test_what_points_at_nothing_is_left_out() -> None:
    """Where nothing was said before it, a pronoun has no meaning for a reader."""
    talk = Scenario().user("It costs 89 euros at the shop in Lyon.").bot("Lyon has 3 shops.")
    assert texts(summary(talk, 200)) == ["Lyon has 3 shops."]


def test_a_rolled_summary_does_not_part_what_belongs_together() -> None:
    """A kept sentence that points at a lost one is lost too."""
    kettle = Sentence(1, Role.USER, "I looked at the steel kettle from Lyon.", 0.5)
    price = Sentence(3, Role.USER, "That one costs 89 euros in the shop.", 2.0)
    talk = Scenario().user("x").bot("y").user("z").user(REQUEST)
    later = summary(talk, 200, (kettle, price))
    alone = summary(talk, 200, (price,))
    assert {kettle.text, price.text} <= set(texts(later))
    assert price.text not in texts(alone)


def test_values_not_told_yet_go_before_those_told() -> None:
    """Of two sentences alike, the one with a new number is taken."""
    talk = Scenario().user("The invoice 4411 was sent to Oslo in spring.")
    talk.user("The reminder 4411 was sent to Oslo in summer.")
    talk.user("The reminder 9023 was sent to Bergen in summer.")
    found = " ".join(texts(summary(talk, 28)))
    assert all(value in found for value in ("4411", "9023", "Oslo", "Bergen"))


def test_the_same_meaning_in_other_words_is_said_once() -> None:
    """Sentences with one vector count as one, though they share no word."""
    one, other = "The parcel never arrived here.", "Nothing was delivered by 9 March."
    third = "Billing charged twice somehow last month."

    def embed(given: Sequence[str]) -> NDArray[np.float32]:
        return np.array([[0, 1] if text == third else [1, 0] for text in given], np.float32)

    talk = Scenario().user(one).user(other).bot(third)
    limit = sum(METER.count(quote(turn, turn.text)) for turn in talk.turns[::2])
    with_vectors = set(texts(summary(talk, limit, embed=embed)))
    assert third in with_vectors
    assert len({one, other} & with_vectors) == 1
    assert set(texts(summary(talk, limit))) != with_vectors


def test_the_question_left_open_is_told() -> None:
    """What nobody has answered yet stays, though others say more."""
    question = "Does the guarantee cover the grinder as well?"
    talk = Scenario().user(REQUEST).bot(OUTCOME).bot("We ship order R-7781 from Hamburg, Bay 12.")
    talk.user(question)
    limit = sum(METER.count(quote(turn, turn.text)) for turn in (talk.turns[0], talk.turns[3]))
    assert question in texts(summary(talk, limit))
    talk.bot("Yes, it has been extended to the grinder.")
    assert question not in texts(summary(talk, limit))
