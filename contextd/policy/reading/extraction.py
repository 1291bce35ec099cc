"""Find typed values in a sentence: ids, amounts, dates, addresses of people, names.

One alternation in order of trust reads a sentence once; it runs only on sentences with a
digit, an "@" or a cue word.  Values are quoted as they stand, labels are ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a text; `label` says what it is ("order id", "amount")."""

    label: str
    text: str


_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_WEEKDAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_NUMBER = r"\d{1,6}(?:\.\d+)?"
_NUMBER_WORD = (
    r"one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|"
    r"fifty|a couple of|half a dozen|a dozen"
)
_HOUR = r"\d{1,2}(?:[:.]\d{2})?"
_HOUR_WORD = r"one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_DAYTIME = r"(?:\ in\ the\ (?:morning|afternoon|evening)|\ at\ night)"
_DAY_WORD = rf"""
      | \b(?:(?:this|next|last|coming)\ )?{_WEEKDAY}s?\b
        (?:\ (?:(?:this|next|last)\ week|morning|afternoon|evening|night)\b)?
      | \b(?:this|next|last|coming)\ (?:week(?:end)?|month|year)\b
      | \b(?:(?:the\ )?day\ (?:after\ tomorrow|before\ yesterday)
        |(?:(?:later|earlier)\ )?(?:today|tonight|tomorrow|yesterday)
          (?:\ (?:morning|afternoon|evening|night))?)\b
"""
_NOUN = (
    r"order|ticket|invoice|booking|reservation|confirmation|account|case|reference|ref|tracking|"
    r"customer|user|membership|member|policy|flight|serial|transaction|card|passport|pin|zip|"
    r"product|item|model|code|claim|contract|employee|patient|license|registration|session"
)
_ID = r"(?=[\w-]{0,24}\d)[A-Za-z0-9][\w-]{0,39}"


_LINKS = r"""
    (?P<email>[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4})
  | (?P<url>https?://[^\s<>"')\]]{1,200})
  | """


def _values(*, links: str, hour: str, number: str, day_word: str) -> re.Pattern[str]:
    """Compile the alternation; what tells days and numbers in words is slow, and rarely there.

    Only *links* begin anywhere.  What begins nothing else is told first and at once: it is most
    of a sentence, and each place would be tried with every alternative.
    """
    return re.compile(
        rf"""
    {links}(?:\b(?=\w)|(?=[$€£¥₹\#+(]))(?:
    (?P<amount>(?:[$€£¥₹]|\b(?:usd|eur|gbp|us\$)\ ?)\d[\d,]*+(?:\.\d+)?+
        (?:\ ?(?:k|million|billion)\b)?
      | \b\d[\d,]*+(?:\.\d+)?+\ ?
        (?:€|(?:dollars?|euros?|pounds?|usd|eur|gbp|cents|bucks|credits)\b))
  | (?P<date>\b\d{{4}}-\d{{2}}-\d{{2}}\b
      | \b\d{{1,2}}[/.]\d{{1,2}}[/.]\d{{2,4}}\b
      | \b{_MONTH}\.?\ \d{{1,2}}(?:st|nd|rd|th)?\b(?:,?\ \d{{4}}\b)?
      | \b(?:the\ )?\d{{1,2}}(?:st|nd|rd|th)?\ (?:of\ )?{_MONTH}\b(?:,?\ \d{{4}}\b)?
      | \b(?:the\ )?\d{{1,2}}(?:st|nd|rd|th)\b
        (?!\ (?:floor|time|street|st|ave|class|grade)\b|\ and\ (?-i:[A-Z]))
        (?:\ of\ (?:this|the|next)\ month\b)?{day_word})
  | (?P<time>\b(?:{hour})\ ?(?:[ap]m\b|[ap]\.m\.)
      | \b(?:(?:half|quarter)\ (?:past|to)\ (?:{hour})|\d{{1,2}}:\d{{2}}
        |(?:{hour})\ o(?:'|"|’)clock)\b{_DAYTIME}?
      | \b(?:{hour}){_DAYTIME}\b
      | \b(?:morning|afternoon|evening)\ (?:{hour})\b)
  | \b(?P<noun>{_NOUN})(?:\ ?(?:id|number|no\.?|nr\.?|code|reference))?+
      (?:\ ?(?:is|was|ending\ in|[:=]))?+[ \*]{{0,3}}\#?(?P<labelled>{_ID}|[A-Z]{{5,12}}\b)
  | \#(?P<hashed>W?\d[\w-]{{1,24}}|[A-Z]{{1,4}}-?\d[\w-]{{1,20}})
  | \b(?P<code>(?=[\w-]{{0,30}}\d)[A-Za-z]+(?:_[A-Za-z]+)*_\d\w*
      | [A-Z]{{1,6}}-?\d{{4,12}}(?:-\d{{2,12}}){{1,3}}\b|[A-Z]{{1,6}}-?\d{{2,12}}\b
      | (?=[A-Z0-9]{{0,11}}\d)(?=[A-Z0-9]{{0,11}}[A-Z])[A-Z0-9]{{5,12}}\b)
  | (?P<phone>\+\d[\d\ ()./-]{{6,17}}\d
      | \b\d{{3}}[-. ]\d{{3}}[-. ]\d{{4}}\b|\(\d{{3}}\)\ ?\d{{3}}[-. ]\d{{4}})
  | (?<![\w-])(?P<number>\d{{2,8}}(?:-\d{{2,8}}){{1,3}}|\d{{5,20}})\b
  | \b(?P<quantity>(?:{number})\ ?
      (?:people|persons?|guests?|nights?|days?|hours?|minutes?|weeks?|
      months?|items?|tickets?|seats?|(?:bed|bath)?rooms?|beds?|bags?|stars?|kg|km|miles?|gb|mb|%)))
    """,
        re.VERBOSE | re.IGNORECASE,
    )


def _in_digits(links: str) -> re.Pattern[str]:
    return _values(links=links, hour=_HOUR, number=_NUMBER, day_word="")


def _in_words(links: str) -> re.Pattern[str]:
    number = f"{_NUMBER}|{_NUMBER_WORD}".replace(" ", r"\ ")
    return _values(links=links, hour=f"{_HOUR}|{_HOUR_WORD}", number=number, day_word=_DAY_WORD)


_IN_DIGITS = (_in_digits(""), _in_digits(_LINKS))
_IN_WORDS = (_in_words(""), _in_words(_LINKS))
"""For sentences without links, and with."""
_NAME = re.compile(
    r"\b(?:[Mm]y (?:full |last |first )?name is|[Mm]y name's|[Tt]his is|[Nn]ame:|I am|I'm|[Ii]t's)"
    r" (?P<name>(?!I\b)[A-Z][\w'’-]{1,20}(?: [A-Z][\w'’.-]{0,20}){0,3})"
)
_NAME_CUES = ("name", "This is", "this is", "I am", "I'm", "It's", "it's")
_DIGIT = re.compile(r"[\d@]")
_SPELLED = (
    "day", "week", "month", "year", "morrow", "tonight", " one ", " two ", " three ", "four",
    "five", " six", "seven", "eight", "nine", " ten ", "eleven", "twelve", "twenty", "thirt",
    "fift", "couple", "dozen", " past ", "quarter",
)  # fmt: skip
"""What a sentence holds that tells a day or a number in words."""
_NO_NAME = frozenset(
    """
    i not sorry glad happy very so the a an ok yes no just also still now here there well
    monday tuesday wednesday thursday friday saturday sunday
    """.split()
)
_NOT_AN_ID = re.compile(r"\d{1,2}(?:st|nd|rd|th|am|pm|x|k|%)$|(?:19|20)\d\ds?$", re.IGNORECASE)
_IDS = frozenset({"labelled", "hashed", "code"})
ID_LIKE = re.compile(
    r"(?=.{0,40}\d)(?:\#?[A-Za-z]*\d[\w-]{3,}|[A-Za-z]+(?:[_-][A-Za-z0-9]+)*[_-]?\d[\w-]*)"
)
"""What looks like an id and not like a word or a small number; for `fullmatch`."""


def values(sentence: str, *, spelled: bool = True) -> Iterator[Value]:
    """Give the typed values of one sentence, in the order in which they stand.

    Without *spelled*, a sentence that has no digit and no "@" is looked at for names only.
    """
    if any(map(sentence.__contains__, _NAME_CUES)):
        yield from _names(sentence)
    in_words = spelled and _spells(sentence)
    if not in_words and not _DIGIT.search(sentence):
        return
    linked = "@" in sentence or "://" in sentence
    for match in (_IN_WORDS if in_words else _IN_DIGITS)[linked].finditer(sentence):
        kind = match.lastgroup or ""
        text = match[kind].rstrip(".,-")
        if kind in _IDS and not _identifies(kind, text):
            continue
        yield Value(_label(kind, match["noun"], text), text)


def _spells(sentence: str) -> bool:
    return any(map(f" {sentence.lower()} ".__contains__, _SPELLED))


def _names(sentence: str) -> Iterator[Value]:
    for match in _NAME.finditer(sentence):
        name = match["name"].rstrip(".'’-")
        if name.partition(" ")[0].lower() not in _NO_NAME and not _DIGIT.search(name):
            yield Value("name", name)


def _identifies(kind: str, text: str) -> bool:
    if kind == "labelled" and text.isalpha():
        return text.isupper()
    return not _NOT_AN_ID.fullmatch(text)


def _label(kind: str, noun: str | None, text: str) -> str:
    match kind:
        case "labelled":
            return f"{(noun or '').lower()} id"
        case "hashed":
            return "order id" if text[:1] in "wW" else "id"
        case "code":
            head = re.match(r"[A-Za-z]+_[A-Za-z]+(?=_\d)", text)
            return "id" if head is None else "user id" if text[0].islower() else "id"
        case "email":
            return "e-mail"
        case _:
            return kind
