"""The wordings by which a sentence binds: preferences, decisions, promises, corrections.

Patterns run on the lower-cased sentence with plain apostrophes, quoted spans blanked out.
They hold no nested repetition, and a sentence has at most `sentences.LONGEST` characters,
so each takes linear time.  English only: other languages fall through to "can summarise".
"""

from __future__ import annotations

import re

from contextd.model import FactKind
from contextd.policy.reading.orders import ordered
from contextd.policy.reading.wishes import wish

_PLAIN = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'", "`": "'"})
_QUOTED = re.compile(r'"[^"]{8,}"|“[^”]{8,}”|«[^»]{8,}»|„[^“”]{8,}[“”]')


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


_CORRECTION = _any(
    r"\b(?:i|we) (?:actually |really )?meant\b|\bi mean,? (?:\w+ ){1,6}not \b",
    r"^(?:oh|oops|sorry|wait|hmm|ah|well|no)\b[,.! ]+(?:actually|i |it'?s|that|my|not|make|the)\b.*"
    r"(?:\bmeant\b|\bwrong\b|\bactually\b|\binstead\b|\bmistake|\bmake (?:it|that)\b|"
    r"\bshould (?:be|have)\b)",
    r"^(?:oh|oops|sorry|wait|no)\b[,.! ]+(?:it'?s|that'?s|my|make|the)\b[^,;]{0,60}, not \b",
    r"^(?:oops|whoops|correction|scratch that|wait,? no|no,? wait|no,? sorry|sorry,? no)\b",
    r"\bactually,? (?:it|it'?s|make|i'?d|i (?:want|need|would|think|meant|prefer|"
    r"just remembered)|my|"
    r"please|send|book|use|put|ship|take|call|cancel|keep|order|try|"
    r"the|can|could|not|no\b(?!,? (?:that'?s|thanks?))|let'?s|change|that|at|on|for|in|"
    r"i actually|i am)",
    r"\bi (?:actually|really) (?:want|need|meant|prefer)\b|\bactually,? \S*\d",
    r"\b(?:that'?s|that is|this is|it'?s|which is) (?:not (?:right|correct|what i)|wrong|"
    r"incorrect)\b",
    r"\b(?:changed?|switch|correct) (?:it|that|this|the|my|our)\b[^.?!]{0,60}\b(?:to|from|into)\b",
    r"\bupdate (?:it|that|(?:the|my|our) (?:\w+ )?(?:address|number|e-?mail|phone|name|date|time|"
    r"details|booking|reservation|order))\b[^.?!]{0,40}\b(?:to|from)\b",
    r"\bchange (?:of|in) (?:the |my |our )?\w+\b|\bchanged? my mind\b|"
    r"\bon second thoughts?\b|\bnever ?mind\b",
    r"\b(?:i|we) (?:made|gave|misspoke|mistyped|got)\b[^.?!]{0,30}\b(?:mistake|wrong|typo|"
    r"mixed up)\b",
    r"\b(?:i )?(?:misspoke|mistyped|misread)\b|\bmy mistake\b|\bmy bad\b",
    r"\bmake (?:it|that) \S+[^.?!]{0,40}\b(?:instead|rather)\b",
    r"\b(?:can|could|let'?s|please|make|change|switch|want|like|rather|book|try|take|do|send|use)\b"
    r"[^.?!]{0,60}\binstead\b(?! of \w+ing\b)",
    r"^(?:no|nope|nah)[,.]? (?:it'?s|it is|that'?s|make it|i said|the|my)\b"
    r"(?! (?:all|it|fine|ok(?:ay)?|good|great|perfect|everything|alright|not so|so)\b)",
    r"\b(?:it'?s|is|was|that'?s|am) not \S+(?: \S+){0,2},? but (?!(?:i|we|it|he|she|they|you|there|"
    r"also)\b|\w+'\w)\S+|"
    r"\bshould (?:have been|be) \S+(?: \S+){0,3},? not \b",
)
_DECISION = _any(
    r"\b(?:i'?ll|i will|we'?ll|let'?s|let us|i'?d like to|i want to|i'?m going to) "
    r"(?:go (?:with|for|ahead)|take (?!this opportunity|some time|it one|a look|care)|choose|pick|"
    r"keep (?!\w+ing\b)|stick with|have the|proceed|do (?:that|it))\b",
    r"\b(?:i|we)(?:'ve| have)? (?:just |now )?(?:decided|chose|chosen|opted|picked|settled|"
    r"agreed)\b",
    r"\bgo ahead\b|^(?:please )?proceed\b|\bplease proceed\b|\bi (?:hereby )?(?:confirm|accept|"
    r"approve|consent|authori[sz]e)\b",
    r"^(?:yes|yeah|yep|yup|sure|ok|okay|alright|perfect|great|fine)[,.!]* (?:please )?"
    r"(?:please|do|book|cancel|confirm|proceed|go|send|refund|change|return|exchange|use|"
    r"let|make)\b",
    r"^(?:\w+,? )?(?:that|this|it) (?:works|sounds (?:good|great|fine|perfect)|is fine|will do|"
    r"would be (?:great|fine|perfect))\b",
    r"\bmy (?:final )?(?:decision|choice) is\b|\bwe(?:'re| are) going with\b|\bi'?m going with\b",
)
_OF_THE_ANSWER = (
    r"(?!(?:\w+ly )?(?:use|look|see|prove|show|discuss|cover|explore|explain|go (?:through|over|"
    r"into)|start|begin|focus|walk|define|consider|assume|break|denote|demonstrate|find|calculate|"
    r"compute|solve|apply|illustrate|describe|outline|summarize|list|learn|want|need|have|get|be|"
    r"then|also|now|first|just|give you (?:an?|some)|provide (?:an?|some|you)|examine|compare|"
    r"derive|note|create|build|implement|set|work (?:through|on|with)|try|take (?:a|it|the)|"
    r"do my best|keep|check if|assist|help)\b)"
)
"""What "we'll …" tells of the answer itself ("we'll prove", "I'll explain") promises nothing."""
_COMMITMENT = _any(
    rf"\bwe(?:'ll| will| shall|'re going to| are going to) {_OF_THE_ANSWER}\w",
    r"\bi(?:'ll| will| shall|'m going to| am going to) "
    r"(?!(?:\w+ly )?(?:be (?:happy|glad|able|sorry|there|here|using|showing)|need|assist|help|"
    r"check if|do my best|have to|try to|now |show|explain|use|assume|walk|break|outline|"
    r"illustrate|demonstrate|describe|summarize|go (?:through|over)|give you (?:an?|some)|"
    r"provide (?:an?|some|you)|take it|keep \w+ing|focus|start|begin|cover|discuss|compare)\b)"
    r"(?:\w+ly )?\w",
    r"\b(?:i|we) (?:promise|guarantee|commit|assure)\b|\byou have my word\b",
    r"(?:^|[,;:] (?:and |so )?|\band )you(?:'ll| will) (?:now |also |soon |then )?"
    r"(?:receive|be (?:refunded|credited|charged|contacted|notified|called|reimbursed)|hear)\b",
    r"\b(?:it|this|that|(?:your|the|my|our|a) (?:\w+ ){0,3}\w+) will (?:now |then |"
    r"also )?be (?:\w+ly )?"
    r"(?:refunded|credited|sent|paid|shipped|delivered|reserved|held|booked|waived|charged|"
    r"cancel+ed|"
    r"updated|processed|reimbursed|replaced|returned|released|confirmed|scheduled|put|made|given|"
    r"activated|removed|applied|issued|completed|repaired|fixed|restored)\b",
    r"\bwill (?:arrive|expire|follow up|call you|e-?mail you|contact you|take effect|reach you|"
    r"credit|refund)\b",
    r"\bwithin (?:the next )?\d+(?:[-– ]+\d+)? (?:business |working )?(?:hours?|days?|weeks?|"
    r"minutes?)\b",
)
_PROMISING = ("ll ", " will", "shall", "going to", "promise", "guarantee", "commit", "assure",
              "my word", "within")  # fmt: skip
"""One of these stands in every promise; they are looked for first."""
_NO_PROMISE = _any(
    r"^(?:if you|please |once you|there (?:is|are)|let'?s|in this|for example|suppose|note that|"
    r"step "
    r"\d)",
    r"^[\"“]|[\"”]$|```|^\W*\*\*|\*\*:?$|^subject:|^(?:hi|dear|hello) \[",
)
"""Sentences that tell how to, offer, or draft a text for somebody else."""
_OUTCOME = _any(
    r"\b(?:has|have) (?:now |already |just |not )?been (?:\w+ly )?\w+(?:ed|sent|paid|made|put|"
    r"lt)\b",
    r"\b(?:is|are|was|were) (?:now |already )?(?:successfully |not )?"
    r"(?:booked|confirmed|cancel+ed|refunded|processed|completed|reserved|shipped|delivered|"
    r"charged|"
    r"updated|approved|denied|declined|credited|exchanged|returned|resolved|activated|unlocked|"
    r"scheduled)\b",
    r"\b(?:i|we)(?:'ve| have)? (?:now |just |already |successfully )*"
    r"(?:booked|confirmed|cancel+ed|refunded|processed|reserved|shipped|sent|updated|changed|added|"
    r"removed|applied|scheduled|submitted|created|exchanged|modified|transferred|escalated|"
    r"reset|issued)\b",
    r"\b(?:could not|couldn'?t|unable to|wasn'?t able to|not able to|failed|not successful|"
    r"unsuccessful|"
    r"no longer available|not available|unavailable|rejected|sold out|not (?:possible|eligible|"
    r"allowed))\b",
    r"\b(?:the )?(?:total|balance|price|cost|fee|refund|amount|number|reference|"
    r"confirmation)\b[^.?!]{0,40}\b(?:is|was|comes to|will be|of)\b",
)
_TAIL = re.compile(
    r"(?:[,;]| [–—-]|[,;]? (?:so|but|and)) (?:so |but |and )*(?:can|could|would|will|do|does|did|"
    r"is|are|am|should|may|what|how|which|where|when|who|why|any|i'?m (?:wondering|hoping|"
    r"not sure)|"
    r"i was wondering|i wonder|i'?d love|right)\b[^,;]*(?:[,;][^,;]*){0,5}\?$"
)
"""The question at the end of a sentence that states something first."""
_ASKS_OF_US = re.compile(r"^(?:please )?(?:can|could|would|will) (?:you|we|i)\b")


def heard(sentence: str) -> str:
    """Return *sentence* as the patterns want it: plain, lower case, quotations blank."""
    plain = sentence.translate(_PLAIN)
    if plain.count('"') > 1 or "“" in plain or "«" in plain or "„" in plain:
        plain = _QUOTED.sub(" ", plain)
    return plain.lower()


def said_by_user(text: str) -> FactKind | None:
    """Return what a user's sentence binds us to, if it does; *text* comes from `heard`.

    In the order of importance: a sentence is what its first match says.  Of a question only
    what it states before it asks counts, unless it asks us to do something.
    """
    if _CORRECTION.search(text):
        return FactKind.CORRECTION
    if text.endswith("?") and not _ASKS_OF_US.match(text):
        text = _TAIL.sub("", text)
        if text.endswith("?"):
            return None
    if ordered(text):
        return FactKind.INSTRUCTION
    if wish(text):
        return FactKind.PREFERENCE
    return FactKind.DECISION if _DECISION.search(text) else None


def said_by_us(text: str) -> FactKind | None:
    """Return COMMITMENT when a sentence of ours makes a promise, ACTION for an outcome."""
    if text.endswith("?"):
        return None
    promises = any(cue in text for cue in _PROMISING)
    if promises and _COMMITMENT.search(text) and not _NO_PROMISE.search(text):
        return FactKind.COMMITMENT
    return FactKind.ACTION if _OUTCOME.search(text) else None
