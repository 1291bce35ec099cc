"""Topics that carry legal, safety or compliance risk, and sums above a limit."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from contextd.policy.reading.utterance import cue, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contextd.policy.reading.utterance import Utterance

_TOPICS = table(
    cue(
        "danger to self",
        1.0,
        r"(?:kill|hurt|harm|cut)(?:ing)? my ?self|suicid(?:e|al)|end (?:my life|it all)"
        r"|self[- ]harm\w*|(?:i|just) (?:just )?want to die|wish i (?:was|were) dead"
        r"|(?:i )?don'?t want to (?:live|be alive)"
        r"|no reason to live|take my own life",
        "kill killing hurt hurting harm harming cut cutting suicide suicidal end self die live "
        "alive life harming myself",
        negatable=False,
    ),
    cue(
        "danger to people",
        0.85,
        r"(?:i(?:'m| am| was| got)|he|she|child|son|daughter|baby|wife|husband|someone|somebody"
        r"|got|been)"
        r"(?: \w+){0,3} (?:injured|bleeding|unconscious|poisoned|electrocuted|burn(?:t|ed))"
        r"|gas leak|smell(?:s|ing)? (?:of )?gas|caught fire|(?:is|was|it's"
        r"|went) on fire(?! bring| today)|exploded|electric shock"
        r"|call an ambulance|medical emergency|allergic reaction|threaten(?:ed|ing) to (?:kill"
        r"|hurt)"
        r"|(?:i'?ll|i will|going to) (?:kill|hurt|shoot|bomb|attack) (?:you|him|her|them|someone)"
        r"|domestic (?:abuse|violence)|bomb threat",
        "injured bleeding unconscious poisoned electrocuted burnt burned gas fire exploded "
        "shock ambulance emergency allergic threatened threatening kill hurt shoot bomb attack "
        "abuse "
        "violence",
        negatable=False,
    ),
    cue(
        "legal threat",
        0.8,
        r"(?:hear from|contact\w*|call\w*|speak\w* (?:to|with)|talk\w* (?:to|with)|hire|hiring"
        r"|consult\w*"
        r"|involv\w*|get|getting|see|seeing) (?:my|a|our) (?:lawyers?|attorneys?|solicitors?)"
        r"|(?:lawyers?|attorneys?|solicitors?) (?:will|is going|has|says|said|advised)"
        r"|su(?:e|ing) (?:you|your|the|them|this|for)|legal (?:action|proceedings|steps|advice"
        r"|notice)"
        r"|take (?:you|this|it|them) to court|see you in court|(?:small claims"
        r"|consumer) (?:court|forum)"
        r"|lawsuit|class action|ombudsman|trading standards|better business bureau"
        r"|report (?:you|this|your \w+) to (?:the )?(?:\w+ )?(?:authorit\w+|regulator|police|fca"
        r"|fcc"
        r"|ftc|cfpb|bank|government|consumer \w+)|the regulators?",
        "lawyer lawyers attorney attorneys solicitor solicitors sue suing legal court lawsuit "
        "action "
        "ombudsman standards bureau report regulator regulators forum",
    ),
    cue(
        "privacy request",
        0.55,
        r"gdpr|ccpa|data protection|right to be forgotten|subject access request"
        r"|(?:delete|erase|remove|wipe) (?:all )?(?:of )?(?:my|our) (?:personal )?(?:data"
        r"|information)"
        r"|(?:data|privacy) (?:breach|leak|violation)|(?:leaked|sold|shared) my (?:personal )?"
        r"(?:data|information|details)|identity (?:theft|was stolen|stolen)|stole my identity",
        "gdpr ccpa protection forgotten access data information privacy details identity",
    ),
    cue(
        "fraud or chargeback",
        0.5,
        r"charge ?back|dispute (?:a|the|this|that|my) (?:charge|transaction|payment)"
        r"|fraud(?:ulent|ulently)?|unauthori[sz]ed|(?:been|was|got|account|card) (?:hacked"
        r"|phished|cloned)"
        r"|(?:some ?one|some ?body|they|thief) (?:\w+ )?(?:stole|used|hacked|took|cloned|accessed)"
        r"(?: \w+){0,2} (?:card|account|money|pin|password|identity)|money laundering",
        "chargeback charge dispute fraud fraudulent fraudulently unauthorized unauthorised hacked "
        "phished cloned stole used took accessed laundering",
    ),
    cue(
        "discrimination",
        0.7,
        r"discriminat\w+|racist|racism|sexist|(?:sexual )?harass(?:ed|ment|ing)",
        "discriminated racist racism sexist harassed",
        negatable=False,
    ),
)

_MONEY_VERB = re.compile(
    r"\b(?:refund|transfer|send|pay|withdraw|charge|deposit|wire|buy|purchase|invest|reimburse"
    r"|credit|move|return|borrow|top up|claim|compensat\w*|give me)\w*"
)
_WRITTEN: Mapping[str, str] = {
    "USD": "$ dollar dollars bucks",
    "EUR": "\u20ac euro euros",
    "GBP": "\u00a3 pound pounds quid",
    "INR": "\u20b9 rs rs. rupee rupees",
    "JPY": "\u00a5 yen",
}
_CODES: Mapping[str, str] = {
    **{name: code for code, names in _WRITTEN.items() for name in names.split()},
    **{code.lower(): code for code in "USD EUR GBP INR JPY CHF CAD AUD NZD SEK NOK DKK".split()},
    **{code.lower(): code for code in "PLN CZK HUF BRL MXN ZAR SGD HKD CNY KRW AED".split()},
}
"""What people write for a currency, and its code in ISO 4217; a bare dollar is the US one."""
_CURRENCY = "|".join(
    re.escape(name) if not name[0].isalpha() else rf"(?<![a-z]){re.escape(name)}"
    for name in sorted(_CODES, key=len, reverse=True)
)
_NUMBER = r"\d[\d,.' ]*\d|\d"
_AMOUNT = re.compile(
    rf"({_CURRENCY}) ?({_NUMBER})( ?(?:k|m|thousand|million)\b)?"
    rf"|({_NUMBER})( ?(?:k|m|thousand|million)\b)? ?({_CURRENCY})(?!\w)"
)
_SCALE: Mapping[str, float] = {"": 1.0, "k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6}
_SUM_KEYS = ("amount", "total", "price", "sum", "value", "refund", "payment", "cost", "limit")
_MAX_ARGUMENTS = 4_096
_MAX_DIGITS = 15


Sums = tuple[tuple[str, float], ...]
"""Sums of money: the currency's code in ISO 4217, "" where it is not known, and the amount."""


def risky_topic(utterance: Utterance) -> tuple[float, str]:
    """Return the strength (0..1) and the name of the riskiest topic touched."""
    best = _TOPICS.strongest_in(utterance)
    return (best.strength, best.label) if best else (0.0, "")


def asked_amounts(text: str) -> Sums:
    """Return the sums of money that *text* (lower case) wants moved, by currency."""
    if not _MONEY_VERB.search(text):
        return ()
    return tuple(
        (
            _CODES[match[1] or match[6]],
            _parse(match[2] or match[4]) * _SCALE[(match[3] or match[5] or "").strip()],
        )
        for match in _AMOUNT.finditer(text)
    )


def call_amounts(arguments_json: str) -> Sums:
    """Return the sums among a tool call's arguments, by the argument's name.

    Their currency is what an argument such as "currency" holds, "" when none does.
    """
    if len(arguments_json) > _MAX_ARGUMENTS:
        return ()
    try:
        arguments = json.loads(arguments_json or "{}")
    except (ValueError, RecursionError):
        return ()
    if not isinstance(arguments, dict):
        return ()
    named = (value for name, value in arguments.items() if "currency" in name.lower())
    currency = next((value.upper() for value in named if isinstance(value, str)), "")
    return tuple(
        (currency, abs(float(value)))
        for name, value in arguments.items()
        if isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) < 10**_MAX_DIGITS
        and any(key in name.lower() for key in _SUM_KEYS)
    )


def _parse(digits: str) -> float:
    """Read a number written with either kind of separator; the last one may be decimal."""
    plain = digits.replace(" ", "").replace("'", "").strip(".,")
    head, mark, tail = plain.rpartition("," if plain.rfind(",") > plain.rfind(".") else ".")
    whole = (head if mark else plain).replace(",", "").replace(".", "")
    thousands = len(tail) == 3 if mark else False  # noqa: PLR2004 - a group of thousands
    text = whole + tail if thousands else f"{whole or 0}.{tail if mark else 0}"
    return float(text[: _MAX_DIGITS * 2] or 0)
