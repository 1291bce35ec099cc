"""The wordings by which a sentence binds: preferences, decisions, promises, corrections.

Patterns run on the lower-cased sentence with plain apostrophes, quoted spans blanked out.
They hold no nested repetition, and a sentence has at most `sentences.LONGEST` characters,
so each takes linear time.  English only: other languages fall through to "can summarise".
"""

from __future__ import annotations

import re

from contextd.model import FactKind

_PLAIN = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'", "`": "'"})
_QUOTED = re.compile(r'"[^"]{8,}"|“[^”]{8,}”|«[^»]{8,}»|„[^“”]{8,}[“”]')


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


_CORRECTION = _any(
    r"\b(?:i|we) (?:actually |really )?meant\b|\bi mean,? ",
    r"^(?:oh|oops|sorry|wait|hmm|ah|well|no)\b[,.! ]+(?:actually|i |it'?s|that|my|not|make|the)\b.*"
    r"(?:\bnot\b|\bmeant\b|\bwrong\b|\bactually\b|\bshould\b|\binstead\b|\bmistake|\bmake (?:it|"
    r"that)\b)",
    r"^(?:oops|whoops|correction|scratch that|wait,? no|no,? wait|no,? sorry|sorry,? no)\b",
    r"\bactually,|^actually\b|, actually\b|\bactually (?:it'?s|make|i (?:want|need|would|think)|"
    r"can)",
    r"\b(?:that'?s|that is|this is|it'?s|which is) (?:not (?:right|correct|what i)|wrong|"
    r"incorrect)\b",
    r"\b(?:changed?|switch|correct|update) (?:it|that|this|the|my|our)\b[^.?!]{0,60}\b(?:to|"
    r"from|into)\b",
    r"\bchange (?:of|in) (?:the |my |our )?\w+\b|\bchanged? my mind\b|"
    r"\bon second thoughts?\b|\bnever ?mind\b",
    r"\b(?:i|we) (?:made|gave|misspoke|mistyped|got)\b[^.?!]{0,30}\b(?:mistake|wrong|typo|"
    r"mixed up)\b",
    r"\b(?:i )?(?:misspoke|mistyped|misread)\b|\bmy mistake\b|\bmy bad\b",
    r"\bmake (?:it|that) \S+[^.?!]{0,40}\b(?:instead|rather)\b|\binstead of\b|\binstead[.!,]|"
    r"\binstead$",
    r"^(?:no|nope|nah)[,.]? (?:it'?s|it is|that'?s|make it|i said|the|my|not)\b"
    r"(?! (?:all|it|fine|ok(?:ay)?|good|great|perfect|everything|alright)\b)",
    r"\bnot \S+(?: \S+){0,3},? but \S+|\bshould (?:have been|be) \S+(?: \S+){0,3},? not \b",
)
_INSTRUCTION = _any(
    r"(?:^|[,;:] |\b(?:please|you|should|must|and|but|to) )(?:always|never|don'?t ever|"
    r"do not ever) "
    r"(?!mind\b|been\b|had\b|got\b|\w+ed\b)\w",
    r"\bfrom now on\b|\bfrom here on\b|\bgoing forward\b|\bin (?:the )?future,? (?:please|"
    r"don'?t|do|only|use|send)",
    r"\b(?:please )?(?:call|address|refer to) me (?:as )?(?!back\b|when|if|at\b|on\b|tomorrow|"
    r"later|a\b|an\b|for\b)\w",
    r"\bmy pronouns\b|\b(?:i go|just go) by \w",
    r"^(?:please |and |but |also )?(?:do not|don'?t) (?!you|know|think|have|want|see|worry|need|"
    r"we|i\b|they)\w",
    r"^(?:please |and |also )?(?:only|just) (?:use|contact|reply|send|answer|write|speak|email|"
    r"text|deal)\b",
    r"\b(?:please )?(?:keep|bear) in mind\b|^(?:please )?(?:remember|note) (?:that|to|i|my|we)\b",
    r"\bmake sure (?:you|to|that|not|it|my|the|we)\b|\bbe sure (?:to|not)\b",
    r"\b(?:answer|reply|respond|write|speak|talk) (?:to me )?(?:only )?in (?!a (?:minute|moment|"
    r"bit)|the)\w",
    r"\b(?:whenever|every time|each time|any time) (?:i|you|we)\b",
    r"\bunless i (?:say|ask|tell)\b|\buntil i (?:say|tell)\b|\bwithout (?:asking|my (?:ok|"
    r"consent|permission|approval))\b",
)
_PREFERENCE = _any(
    r"\bi(?:'d| would|'m| am)?(?: really| much| always| usually| generally| strongly|"
    r" still)? prefer\b|\bi'?d (?:much )?rather\b",
    r"\bi would rather\b|\bmy preference\b|\bmy preferred\b|\bpreferably\b|\bi'?d favou?r\b",
    r"\bi (?:really |do |just |absolutely |also )?(?:love|hate|dislike|enjoy|adore|detest|"
    r"can'?t stand)\b",
    r"\bi (?:really |do )?(?:don'?t|do not|never|always|usually|only) (?:really )?(?:like|eat|"
    r"drink|fly|use|want to be|care for|wear)\b",
    r"\bi (?:really )?like (?!to (?:know|ask|see|speak|talk|book|get|make|cancel|change|check))",
    r"\bmy favou?rites?\b|\bi'?m (?:a )?(?:allergic|vegan|vegetarian|lactose|gluten|diabetic|"
    r"left-handed)\b",
    r"\bi am (?:a )?(?:allergic|vegan|vegetarian|lactose|gluten|diabetic|left-handed)\b|"
    r"\ballerg(?:y|ic) to\b",
    r"\bworks (?:best|better) for (?:me|us)\b|\bi'?m (?:not )?(?:a fan|comfortable|"
    r"interested in|into)\b",
    r"\bas long as (?:it|there|the|they|i)\b|\bideally\b",
)
_DECISION = _any(
    r"\b(?:i'?ll|i will|we'?ll|let'?s|let us|i'?d like to|i want to|i'?m going to) "
    r"(?:go (?:with|for|ahead)|take|choose|pick|keep|stick with|have the|proceed|do (?:that|it|"
    r"this))\b",
    r"\b(?:i|we)(?:'ve| have)? (?:just |now )?(?:decided|chose|chosen|opted|picked|settled|"
    r"agreed|agree)\b",
    r"\b(?:please )?(?:go ahead|proceed)\b|\bi (?:hereby )?(?:confirm|accept|approve|consent|"
    r"authori[sz]e)\b",
    r"^(?:yes|yeah|yep|yup|sure|ok|okay|alright|perfect|great|fine)[,.!]* (?:please )?"
    r"(?:please|do|book|cancel|confirm|proceed|go|send|refund|change|return|exchange|use|that|"
    r"let|make|i)\b",
    r"\b(?:that|this|it) (?:works|sounds (?:good|great|fine|perfect)|is fine|will do|"
    r"would be (?:great|fine|perfect))\b",
    r"\bmy (?:final )?(?:decision|choice) is\b|\bwe(?:'re| are) going with\b|\bi'?m going with\b",
)
_COMMITMENT = _any(
    r"\b(?:i|we)(?:'ll| will| shall|'m going to| am going to| are going to|'re going to) "
    r"(?!be (?:happy|glad|able|sorry)|need|assist|help|check if|do my best|have to|"
    r"try to assist|now )"
    r"(?:\w+ly )?\w",
    r"\b(?:i|we) (?:promise|guarantee|commit|ensure|assure)\b|\byou have my word\b",
    r"\byou(?:'ll| will| should) (?:now |also |soon |then )?"
    r"(?:receive|get|be (?:refunded|credited|charged|contacted|notified|called|reimbursed)|hear|"
    r"have)\b",
    r"\bwill (?:now |then |also )?be (?:\w+ly )?(?:\w+ed|sent|paid|made|done|taken|put|held|"
    r"given|waived)\b",
    r"\bwill (?:arrive|expire|follow up|call|email|contact|take effect|reach|credit|refund|"
    r"process|go)\b",
    r"\bwithin (?:the next )?\d+(?:[-– ]+\d+)? (?:business |working )?(?:hours?|days?|weeks?|"
    r"minutes?)\b",
)
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
_DIRECTED = ("?",)

# In the order of importance: a sentence is what its first match says.
_BY_PERSON = (
    (FactKind.CORRECTION, _CORRECTION),
    (FactKind.INSTRUCTION, _INSTRUCTION),
    (FactKind.PREFERENCE, _PREFERENCE),
    (FactKind.DECISION, _DECISION),
)


def heard(sentence: str) -> str:
    """Return *sentence* as the patterns want it: plain, lower case, quotations blank."""
    plain = sentence.translate(_PLAIN)
    if plain.count('"') > 1 or "“" in plain or "«" in plain or "„" in plain:
        plain = _QUOTED.sub(" ", plain)
    return plain.lower()


def said_by_user(text: str) -> FactKind | None:
    """Return what a user's sentence binds us to, if it does; *text* comes from `heard`."""
    question = text.endswith(_DIRECTED)
    for kind, pattern in _BY_PERSON:
        if question and kind is not FactKind.CORRECTION and not text.startswith(("can ", "could ")):
            continue
        if pattern.search(text):
            return kind
    return None


def said_by_us(text: str) -> FactKind | None:
    """Return COMMITMENT when a sentence of ours makes a promise, ACTION for an outcome."""
    if text.endswith(_DIRECTED):
        return None
    if _COMMITMENT.search(text) and not text.startswith(("if you", "please ", "once you")):
        return FactKind.COMMITMENT
    return FactKind.ACTION if _OUTCOME.search(text) else None
