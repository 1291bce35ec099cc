"""Does a customer ask for a human?  The phrases people use for it, direct and indirect.

General English, written down by hand; measured, not fitted (see `tests/policy`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from contextd.policy.reading.utterance import cue, table

if TYPE_CHECKING:
    from contextd.policy.reading.utterance import Utterance

_REAL = r"(?:real|live|actual|human|physical|proper|genuine)"
_LIVE = (
    r"(?:real|live|actual|human|physical|proper|genuine|trained|senior|another|other|different|own)"
)
_DESK = (
    r"(?:customer|client|guest|technical|tech|phone|telephone|live)"
    r"[- ]?(?:service|care|support|relations|help|assistance)s?|help ?desk|call ?cent(?:er|re)s?"
    r"|support (?:team|staff|agent|person)|live ?chat|front desk|reception"
)
_PERSON = (
    rf"(?:(?:{_LIVE} )*(?:humans?|human beings?|agents?|representatives?|reps?|operators?"
    r"|advis[eo]rs?|consultants?|specialists?|executives?|supervisors?|managers?|employees?|staff"
    r"|assistants?|receptionists?|tellers?|bankers?|clerks?|concierge|personnel"
    r"|team ?(?:members?|leads?)"
    rf"|members? of (?:the |your )?(?:staff|team))|{_REAL} (?:persons?|people|one|being)"
    rf"|{_DESK})"
)
_OF_YOURS = r"(?:one|some|any|either|another|a few) of your (?:own )?\w+"
_SOMEBODY = r"(?:some ?one|some ?body|any ?one|any ?body)"
_ANYBODY = r"(?:some ?one|some ?body|any ?one|any ?body|people|persons?)(?: else)?"
_COLLEAGUES = (
    r"(?:your|the) (?:\w+ )?(?:team|staff|office|colleagues?|people|executives?|managers?|agents?"
    r"|experts?|engineers?|technicians?)"
)
_TRADE = r"(?:experts?|technicians?|engineers?|colleagues?|(?:\w+ )?(?:teams?|departments?))"
_WORDS = r"(?:[\w']+ ){0,4}?"
_PERSON_GATE = (
    "human agent representative rep reps operator adviser advisor consultant specialist executive "
    "supervisor manager employee staff receptionist teller banker clerk concierge personnel team "
    "teammember member assistant person people being service care support relations desk helpdesk "
    "center centre callcenter callcentre chat livechat reception"
)

_CUES = table(
    cue(
        "asks to speak with a person",
        0.95,
        rf"(?:speak|talk|chat|discuss|deal|communicate|converse|interact)(?:ing)? {_WORDS}"
        rf"(?:to|with|wth|2) {_WORDS}(?:{_PERSON}|{_ANYBODY}|{_OF_YOURS})"
        rf"|get(?:ting)? (?:a )?(?:hold of|through to|in touch with)"
        rf" {_WORDS}(?:{_PERSON}|{_ANYBODY}|{_OF_YOURS})",
        "speak speaking talk talking chat chatting discuss deal dealing communicate converse "
        "interact hold through touch",
    ),
    cue(
        "asks to be put through",
        0.95,
        r"(?:connect|transfer|put|pass|hand|forward|redirect|refer|direct|switch|link|route"
        r"|escalate)"
        r" (?:me|us|this(?: \w+)?|it|(?:the|my) (?:call|chat|case|issue|conversation))"
        rf"(?: (?:through|over|on|up|back|straight|directly|now|please))* (?:to|with|onto) {_WORDS}"
        rf"(?:{_PERSON}|{_ANYBODY})"
        r"|(?<!a )(?<!the )(?<!my )(?:connect|transfer|redirect|forward|switch) (?:to|with)"
        rf"(?: (?:a|an|the|your))* {_PERSON}",
        "connect transfer put pass hand forward redirect refer direct switch link route escalate",
    ),
    cue(
        "wants a person",
        0.9,
        r"(?:want|need|require|prefer|get|give|send|find|demand|request|assign|can i have"
        r"|could i have|may i have|i'll have|(?:i'd|would|'d) like|like to have|contact(?:ing)?"
        r"|call(?:ing)?|reach(?:ing)?|phon(?:e|ing)|ring(?:ing)?|connect|bring|see|fetch"
        r"|ask for|asking for|asked for|waiting for"
        r"|help from|from|talk|speak|is there)"
        rf"(?: (?:me|us|to|with|a|an|the|any|some|your|ur|in|touch|hold|of|from|with))*"
        rf" {_PERSON}(?! (?:fees?|commission|account|role|job|id|code|name|number|to (?:pay"
        rf"|send)))",
        _PERSON_GATE,
    ),
    cue(
        "wants somebody to take over",
        0.8,
        rf"(?:want|need|get|have|ask|let|can|could|is there|have|send) {_ANYBODY}"
        r"(?: (?:please|there|else|from|in|at|with|on|your|the|team|support|side|available|real"
        r"|actually|who|that|i|we|can|could|to|you|me))*"
        r" (?:call|ring|phone|contact|speak|talk|chat|message|text|email|reach|take over"
        r"|look into it|on the line|on the phone"
        r"|get in touch|get back)",
        "someone somebody anyone anybody some any person people",
    ),
    cue(
        "wants somebody fetched",
        0.75,
        rf"(?:get|fetch|find|bring|contact(?:ing)?|reach(?:ing)?|call(?:ing)?|send)(?: me| us)? "
        rf"{_SOMEBODY}(?: (?:from|at|in) \w+(?: \w+)?)?"
        r"(?: (?:to|who can|who could|that can|that could) (?:help|assist|sort|deal|look|talk"
        r"|explain|answer)|(?:[ .!?]+(?:please|now|asap|directly))*[ .!?]*$)",
        "someone somebody anyone anybody some any",
    ),
    cue(
        "asks to be transferred",
        0.8,
        r"put me through(?! (?:this|that|so much|hell|all))"
        r"|(?:transfer|pass|hand) (?:me|us|(?:this|the|my) (?:call|chat))"
        r"(?: (?:over|on|now|please))*[ .!?]*$",
        "through transfer pass hand",
    ),
    cue(
        "wants to hear from somebody",
        0.8,
        rf"(?:{_SOMEBODY}|{_COLLEAGUES})(?: (?:please|can|could|should|must|to|just))*"
        r" (?:call|ring|phone|contact|reach|message|email|get back to|get in touch with)"
        r"(?: (?:me|us)\b|(?: (?:back|now|please|asap))*[ .!?]*$)"
        r"|(?:^|please |pls |plz |kindly |(?:can|could|would) you )"
        r"(?:contact|get in touch with|get back to|reach out to|respond to|reply to) (?:me|us)"
        r"(?! (?:in|when|if|with|as|like|only) )",
        "call ring phone contact reach message email back touch respond reply",
    ),
    cue(
        "asks for somebody of the trade",
        0.8,
        r"(?:^|(?:want to|wanna|like to|wish to|need to|can i|could i|may i|let me|please|pls) )"
        r"(?:(?:speak|talk|chat|discuss)(?: (?:to|with|2))?|consult)"
        rf"(?: (?:a|an|the|your|one of your))* {_TRADE}",
        "speak talk chat discuss consult",
    ),
    cue(
        "needs to talk",
        0.75,
        r"^(?:please )?(?:i |we )?(?:really |just )?(?:need|want|wanna|would like|have) to"
        r" (?:talk|speak)(?: (?:please|now|urgently|asap))*[ .!?]*$"
        r"|(?:help|assistance) (?:from|of|by) (?:a|some|another) person"
        r"|(?:get|give|find) (?:me|us) (?:a|some|one) person[ .!?]*$",
        "talk speak person",
    ),
    cue(
        "gets no answer from anybody",
        0.6,
        r"(?:no ?one|no ?body|none of you)(?: (?:is|are|has|have|ever|even|there))*"
        r" (?:pick(?:s|ing)? up|answer(?:s|ed|ing)?|respond(?:s|ed|ing)?|repl(?:y|ies|ied|ying)"
        r"|call(?:s|ed|ing)? (?:me )?back|get(?:s|ting)? back)",
        "one nobody noone body none",
        negatable=False,
    ),
    cue(
        "asks for a call",
        0.85,
        r"(?:call|ring|phone) (?:me|us)(?: (?:back|now|asap|please|pls|plz|on|at|when|today"
        r"|tomorrow"
        r"|immediately|urgently|up|regarding|about|for|to)|[^\w ]|$)"
        r"|(?:give|giv) (?:me|us) a (?:call|ring|bell|buzz)"
        r"|(?:arrange|schedule|book|set up|organi[sz]e) (?:me )?a (?:phone |video )?call\b"
        r"|(?:request|want|need|arrange|schedule|get|have|like) (?:a |for a |the )?"
        r"(?:phone call|call ?back|call[- ]back|telephone call)",
        "call ring phone callback telephone giv give",
    ),
    cue(
        "asks how to reach somebody",
        0.8,
        r"(?:how|where|who|whom|can|could|may|want|wanna|like|need|trying|way|any ?way|number|able)"
        r"(?: (?:do|can|could|should|may|to|i|we|is|are|the|for|directly))*"
        r" (?:contact|call|phone|ring|reach|get (?:in touch|hold|through)|talk|speak)"
        r"(?: (?:to|with|of|directly))*"
        r" (?:you|u|ya|you guys|your (?:team|company|office|support)|the (?:bank|hotel|company|team"
        r"|branch|office)|directly|via phone|by phone|on phone|on the phone|over the phone)",
        "contact call phone ring reach touch hold through talk speak",
    ),
    cue(
        "asks for a number to call",
        0.85,
        r"(?:customer|client|support|service|consumer|help|toll)[- ]?(?:care|service|support"
        r"|line|free|desk)?"
        r"s?(?: \w+)? ?(?:no|num|nos|number|numbers|phone|contact)"
        r"|(?:your|ur|company|office|support) "
        r"(?:contact|phone|ph|telephone|tel|calling|call|whatsapp|landline|mobile)"
        r" (?:no|num|number|numbers|details)"
        r"|help ?line (?:no|num|number)"
        r"|(?:number|phone|line) (?:\w+ ){0,2}?(?:to|i can|can i|we can|where i can|that i can)"
        r" (?:call|ring|reach|phone|contact|speak)|help ?line|hot ?line|call ?cent(?:er|re)",
        "no num nos number numbers phone contact details helpline hotline line help hot call "
        "callcenter callcentre",
    ),
    cue(
        "asks for a contact number",
        0.5,
        r"(?<!my )(?<!change )(?<!registered )(?<!update )(?<!new )(?<!their )(?<!its )"
        r"(?:contact|calling) (?:no|num|number)",
        "contact calling",
    ),
    cue(
        "refuses the bot",
        0.85,
        r"(?:no|not|stop|hate|enough|tired|sick|fed up|don'?t)"
        r"(?: (?:me|more|like|want|with|of|to|a|an|the|this|these|your|talk|talking|speak|speaking"
        r"|chat"
        r"|chatting|deal|dealing|fucking|stupid|automated|using|being|sent|sending))*"
        r" (?:bot|bots|chat ?bot|chatbots|robot|robots|machine|computer|ai|automated \w+"
        r"|virtual assistant|recording)"
        r"|(?:bot|chat ?bot|virtual assistant)(?: (?:is|are|you|this|so|just"
        r"|really|not|completely|totally|a))* (?:useless|stupid|dumb|rubbish|terrible|awful"
        r"|hopeless"
        r"|annoying|garbage|crap|helping|working|understanding|idiot|joke)",
        "bot bots chat chatbot chatbots robot robots machine computer ai automated virtual "
        "recording",
        negatable=False,
    ),
    cue(
        "asks whether a person is there",
        0.65,
        rf"(?:is|are) there (?:(?:a|an|any) )?(?:{_ANYBODY}|{_PERSON})"
        r" (?:there|here|real|available|around|free|online|on duty|who|that|i)",
        "there",
    ),
    cue(
        "asks whether this is a person",
        0.45,
        r"(?:any|some) ?(?:one|body) (?:there|here|available)"
        r"|(?:are you|is this|am i (?:talking|speaking|chatting) (?:to|with)) (?:even |really "
        r"|actually )*"
        r"(?:a |an |some )?(?:real|human|bot|robot|machine|person|actual|live|chat ?bot|computer"
        r"|ai)",
        "there here available human bot robot machine person real actual live chatbot computer ai",
    ),
    cue(
        "wants to complain formally",
        0.7,
        r"(?:make|file|lodge|lodging|raise|submit|register|registering|filing|making|raising|place)"
        r"(?: (?:a|an|the|my|formal|official|customer|consumer|serious|bloody|damn))*"
        r" (?:complaints?|grievance|reclamation|claim against)"
        r"|complain(?:ing)? about (?:you|your|ur|this)",
        "complaint complaints complain complaining grievance reclamation claim",
    ),
    cue(
        "asks to escalate",
        0.9,
        r"escalate(?: (?:this|it|my|the|to))*|(?:let|have) (?:a|an) (?:human|agent|person) "
        r"|take (?:this|it) (?:higher|further up)|higher[- ]up|your (?:boss|superior)",
        "escalate human agent person higher boss superior",
    ),
)

_SHORT = 6
_NUMBER = re.compile(
    r"\b(?:cont[ae]ct|phone|ph|telephone|calling|call) ?(?:no|num|number|details)\b"
)
_GIVEN = re.compile(r"\d(?:\W{0,2}\d){4}")
"""A number that is given: whoever gives one does not ask for one."""

_OTHERS = frozenset(
    "my their its his her change update new wrong registered old good different add is remove "
    "edit verify hotel restaurant".split()
)
_COMPLAINS = frozenset("complaint complaints complain complaining".split())
_COMPLAINT = _COMPLAINS | frozenset(
    "i a an my the to want have need make about you this please want would like serious".split()
)
"""Words of a message that says no more than that it is a complaint."""

_FILLER = frozenset(
    "please pls plz hi hello hey now a an the sir madam ok okay yes no just to with i want need "
    "real live actual your some thanks thank you can me get right away asap immediately only "
    "chat talk speak wanna contact connect call agent human".split()
)
_BARE = re.compile(
    rf"(?:{_PERSON}|humans?|agents?|real persons?|operator|representative|manager|supervisor"
    r"|customer (?:care|service|support)|live (?:chat|agent)|call ?cent(?:er|re)"
    r"|(?:real|live) people)"
)


def human_request(utterance: Utterance) -> tuple[float, str]:
    """Return how strongly (0..1) the customer asks for a human, and by which kind of phrase."""
    if len(utterance.words) <= _SHORT:
        if _is_bare(utterance):
            return 0.95, "asks for a person"
        if _asks_for_number(utterance):
            return 0.75, "asks for a number to call"
        if utterance.words <= _COMPLAINT and not utterance.words.isdisjoint(_COMPLAINS):
            return 0.7, "wants to complain formally"
    best = _CUES.strongest_in(utterance)
    return (best.strength, best.label) if best else (0.0, "")


def _asks_for_number(utterance: Utterance) -> bool:
    text = utterance.text
    if _NUMBER.search(text) is None or _GIVEN.search(text) is not None:
        return False
    return _OTHERS.isdisjoint(utterance.words)


def _is_bare(utterance: Utterance) -> bool:
    """Say whether a person is named and nothing else is said ("agent please")."""
    plain = utterance.text.strip(" .!?,\u2026")
    match = _BARE.search(plain)
    if match is None:
        return False
    rest = (plain[: match.start()] + " " + plain[match.end() :]).split()
    return all(word.strip(".,!?") in _FILLER for word in rest)
