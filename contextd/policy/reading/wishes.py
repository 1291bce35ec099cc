"""What a user prefers: said as a choice ("I prefer …"), or as a liking ("I love …").

The patterns run on a sentence as `statements.heard` gives it, which has a bounded length.
A need or an interest of the moment ("I'm interested in …") is no preference.
"""

from __future__ import annotations

import re

CHOICE, LIKING, NONE = 2, 1, 0


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


_I = r"\b(?:i|we)"
_CHOICE = _any(
    rf"{_I}(?:'d|'ve| would|'m| am| have)?(?: \w+ly| much| always| still| also| both| kinda| do)? "
    r"(?:prefer|preferred|favou?r)\b",
    rf"{_I}(?:'d| would) (?:much |really )?(?:rather|sooner)\b",
    r"\bmy preference\b|\bmy preferred\b|\bpreferably\b|\bmy favou?rite \w+ (?:is|are)\b",
    rf"{_I}(?:'ve| have)?(?: been)?(?: \w+ly| always| tend to| usually)? (?:prioriti[sz]ing|"
    rf"prioriti[sz]ed?|valued?|chose|lean towards?|choose|opt for|"
    r"pick|go for|like|love|enjoy) [^.?!]{2,80} (?:over|rather than|instead of|more than|"
    r"better than|to avoid)\b",
    rf"{_I}(?:'m| am|'re| are)? (?:leaning|inclined) (?:towards?|to)\b",
    r"\b(?:work|works|worked|working|is|are|suits?|fits?|feels?) (?:\w+ )?(?:best|better|easier|"
    r"well|"
    r"fine) for (?:me|us|my)\b|\b(?:suits?|fits?) (?:me|us) (?:best|better)\b",
    rf"{_I}(?:'ve| have)? (?:find|found) (?:that )?[^.?!]{{2,100}}\b(?:works?|helps?|suits?|worked|"
    r"helped)\b[^.?!]{0,40}\b(?:me|us|best|better|well|more)\b",
    rf"{_I}(?: really| do)? (?:don'?t|do not|never|always|usually|only) (?:really |"
    rf"ever )?(?:like|eat|"
    r"drink|fly|care for|wear|buy|drive)\b",
    rf"{_I}(?:'m| am) (?:a )?(?:allergic|vegan|vegetarian|lactose|gluten|diabetic|left-handed|"
    r"pescatarian|celiac|colou?r-?blind)\b|\ballerg(?:y|ic) to\b|\bintoleran(?:t|ce)\b",
    rf"{_I} (?:can'?t stand|try to avoid|avoid|refuse to)\b",
    rf"{_I}(?: really| just)? like (?:my|it when|when|things|to have (?:my|the)|having (?:my|"
    rf"the))\b",
    r"\bas long as (?:it|there|the|they|i)\b|^ideally\b|, ideally\b",
)
_LIKING = _any(
    rf"{_I}(?: really| do| just| absolutely| also)? (?:love|hate|dislike|enjoy|adore|detest|like)\b"
    r"(?! (?:to (?:know|ask|see|speak|talk|book|get|make|cancel|change|check|think|believe)|you\b|"
    r"how|the (?:thought|idea|sound)|that idea|this idea|what))",
    r"\bmy favou?rites?\b",
    rf"{_I}(?:'m| am) (?:not )?(?:a (?:big |huge )?fan|comfortable)\b",
)
_CUES = (
    "prefer", "favo", "rather", "sooner", "priorit", "value", "lean", "choose", "chose", "opt for",
    "pick", "go for", "like", "love", "enjoy", "inclined", "for me", "for us", "for my", "suit",
    "fit", "found", "find", "eat", "drink", "fly", "care for", "wear", "buy", "drive", "allerg",
    "vegan", "vegetarian", "lactose", "gluten", "diabetic", "handed", "pescatarian", "celiac",
    "blind", "intoleran", "stand", "avoid", "refuse", "as long as", "ideally", "hate", "adore",
    "detest", "fan", "comfortable",
)  # fmt: skip
"""One of these stands in every wish; they are looked for first, since most sentences have none."""


def wish(heard: str) -> int:
    """Return `CHOICE`, `LIKING` or `NONE`; *heard* comes from `statements.heard`."""
    if not any(cue in heard for cue in _CUES):
        return NONE
    if _CHOICE.search(heard):
        return CHOICE
    return LIKING if _LIKING.search(heard) else NONE
