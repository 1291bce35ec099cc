"""What a user orders: for good ("Always …", "Whenever I ask …") or for once ("Please don't …").

The patterns run on a sentence as `statements.heard` gives it, which has a bounded length;
they hold no nested repetition.  What the user plans himself ("I'll make sure to …") and
advice to somebody ("you never know") is no order to us.
"""

from __future__ import annotations

import re

_HEAD = re.compile(
    r"(?:(?:and|but|so|also|oh|ok(?:ay)?|well|yes|hi|hello|hey|thanks|thank you|great|plus|then|"
    r"by the way|btw|one more thing|another thing|just|sure|sorry|first|again|in general|"
    r"generally|as a rule|note|reminder|please|pls|kindly)\b[,:.!-]*+ )++"
)
"""Openings that change nothing about what follows."""
_DECLARES = (
    r"(?:i|i'\w+|we|we'\w+|it|it'\w+|he|she|they|they'\w+|he'\w+|she'\w+|there|there'\w+|this|that|"
    r"that'\w+|these|those|the|a|an|my|our|his|her|their|its|what|how|why|who|where|which|some|"
    r"one|people|everyone|nobody|is|are|was|were|do|does|did|has|have|had)"
)
"""Words with which a statement or a question begins, and no order."""
_NO_ORDER = (
    r"(?!(?:\w+ing|\w+ed|be|been|had|got|mind|again|love|loves|like|likes|enjoy|enjoys|hate|want|"
    r"wants|a|an|the|so|in|on|my|our|was|were|is|are|have|has|knew|know|thought|felt|made|did|seen|"
    r"saw|heard|forget|give up|quite|really|easy|good|fun|there|sure|more|less|too|just|a bit|"
    r"worth|happy|nice|great|that|this|it|if|ever|up|down|out|on|to|with|as|at|for|from|of|by|before|after)\b)"
)
_YOU_MUST = (
    r"(?:you (?:should|must|need to|have to|shall|are to|ought to)|"
    r"(?:want|like|need|expect|asked?|told|prefer|appreciate it if|appreciate if) you(?: to)?|"
    r"(?:can|could|would|will) you)"
)
_ASKS = r"(?:ask|asked|mention|request|say|write|send|bring up|talk|need|want|inquire|tell you)"
_DOES = (
    r"(?:use|include|give|show|send|add|write|ask|provide|mention|format|tell|explain|put|start|"
    r"begin|end|reply|answer|respond|keep|check|confirm|list|state|cite|suggest|avoid|refer|"
    r"address|"
    r"contact|ship|deliver|book|share|assume|round|sort|name|specify|highlight|label|update|verify|"
    r"warn|remind|note|quote|spell|call|recommend|present|offer|describe|treat|consider)"
)

_REACH = r"(?:write|contact|reach|reply|respond|answer|message|get back)"
_WAY = r"(?:e-?mail|mail|phone|telephone|text|sms|chat|post|letter)"


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


_CUES = (
    "always", "never", "when", "every time", "each time", "any time", "anytime", "if i ", "now on",
    "forward", "future", "rest of", "default", "further notice", "in all ", "unless i", "until i",
    "call me", "address me", "refer to me", "pronouns", "go by", "answer", "repl", "respon",
    "write", "speak", "talk", "explanation", "message", "summar", "examples", "format", "n't",
    "dont", "not ", "avoid", "only", "just", "in mind", "remember", "note", "sure", "without",
)  # fmt: skip
"""One of these stands in every order; they are looked for first: few sentences have one."""
_STANDING = _any(
    # "Always …", "please never …", "you should always …"
    rf"^(?:always|never) {_NO_ORDER}\w",
    rf"\bplease (?:\w+ )?(?:always|never) {_NO_ORDER}\w",
    rf"\b{_YOU_MUST} (?:please )?(?:always|never) \w",
    rf"[,;] (?:so |and |but |also )*(?:please )?(?:always|never) {_DOES}\b",
    # "Whenever I ask for a price, add the tax"; "List the sources when I ask about studies"
    rf"^(?:when|whenever|every time|each time|any ?time|if) i {_ASKS}\b[^.?!]{{0,120}}, "
    rf"(?:then |please |just )*(?!{_DECLARES}\b)\w",
    rf"^(?!{_DECLARES}\b)\w[^.?!]{{0,160}} (?:whenever|every time|each time|any ?time|when) i "
    rf"(?:ask|mention|request|bring up|inquire)\b",
    rf"\b(?:please|{_YOU_MUST}) [^.?!]{{0,160}} (?:whenever|every time|each time|any ?time|when) i "
    rf"{_ASKS}\b",
    # "From now on …", "… from now on"
    rf"^(?:from (?:now|here|this point|today) on(?:wards?)?|going forward|in (?:the )?future|"
    rf"for (?:the rest|all) of (?:this|our|the) \w+|by default|until further notice|in all "
    rf"(?:your|the) \w+),? (?:please |then |only |just |i(?:'d| would)? (?:want|like|need|"
    rf"prefer) )?"
    rf"(?!{_DECLARES}\b)\w",
    rf"(?:^(?!{_DECLARES}\b)|\bplease |\b{_YOU_MUST} |\b(?:want|"
    rf"need) )[^.?!]{{0,160}}\b(?:from (?:now|"
    rf"here|this point) on|going forward|until further notice|(?:unless|until) i (?:say|ask|"
    rf"tell))\b",
    # how we are to address somebody, and to speak
    r"^(?:you can |you may |do |and )?(?:call|address|refer to) me (?:as |by )?"
    r"(?!back\b|when|if\b|at\b|on\b|tomorrow|later|a\b|an\b|for\b|and\b|to\b|in\b|again|once|"
    r"about)\w",
    r"\bplease (?:call|address|refer to) me (?:as |by )?(?!back\b|when|if\b|at\b|on\b|tomorrow|"
    r"later|"
    r"a\b|an\b|for\b|and\b|to\b|in\b|again|once|about)\w",
    r"\bmy pronouns\b|\b(?:i go|just go) by (?!the\b|bus|car|train)\w",
    r"\b(?:answer|reply|respond|write|speak|talk) (?:to me |back )?(?:only |always )?in "
    r"(?!a (?:minute|moment|bit|while)|the|an? (?:hour|day|week)|order|case|detail|time|this|"
    r"that|my)\w",
    r"^(?:keep|make|limit|structure|format) (?:all |each |every )?(?:of )?(?:your|the|"
    r"any) (?:\w+ )?"
    r"(?:answers?|repl(?:y|ies)|responses?|explanations?|messages?|summaries|examples)\b",
    r"^format (?:all|any|every|each|your|dates|numbers|times|prices|amounts|code|lists) ",
    # how somebody may be reached, and how not
    rf"\b{_REACH} (?:to )?(?:me|us) (?:only (?:by|via) {_WAY}|(?:by|via) {_WAY} only)\b",
    r"(?<!\bi )(?<!\bwe )(?<!\byou )(?<!\bthey )\b(?:never|do not|don'?t) (?:ever )?"
    r"(?:call|phone|ring|text) (?:me|us)\b",
)
_ONCE = _any(
    r"^(?:do not|don'?t) (?!you|know|think|have|want|see|worry|need|we|i\b|they|forget|be\b|"
    r"hesitate|"
    r"get me wrong|mind)\w",
    rf"\bplease (?:do not|don'?t|avoid) \w|\b{_YOU_MUST} (?:not|never) \w",
    r"^(?:only|just) (?:use|contact|reply|send|answer|write|speak|email|text|deal)\b",
    r"^(?:keep|bear) in mind\b|\bplease (?:keep|bear) in mind\b|^remember (?:that|i\b|my|we|our)|"
    r"\bplease (?:remember|note)\b",
    r"^make sure (?:you|to|that|not|it|my|the|we)\b|^be sure (?:to|not)\b",
    rf"\b(?:please|and|just|{_YOU_MUST}) (?:also )?(?:make|be) sure (?:you|to|that|not|it|my)\b",
    r"\bwithout (?:asking me|my (?:ok|consent|permission|approval))\b",
)
_MINE = re.compile(
    r"^(?:i|we|he|she|they|let'?s|i'\w+|we'\w+)\b(?!(?:'d| would)? (?:want|like|need|expect|ask|"
    r"prefer|"
    r"insist|appreciate))[^,;:]*\b(?:make sure|be sure|ensure|keep in mind|remember)\b"
)
"""What somebody else sees to is no order to us."""


def standing(heard: str) -> bool:
    """Say whether a sentence orders something for good; *heard* comes from `statements.heard`."""
    return _STANDING.search(_told(heard)) is not None


def ordered(heard: str) -> bool:
    """Say whether a sentence orders something, for good or for once."""
    if not any(cue in heard for cue in _CUES):
        return False
    told = _told(heard)
    if _STANDING.search(told):
        return True
    return _ONCE.search(told) is not None and _MINE.search(told) is None


def _told(heard: str) -> str:
    """Return the sentence without its opening, "please" apart, which tells an order."""
    opening = _HEAD.match(heard)
    return heard[opening.end() :] if opening else heard
