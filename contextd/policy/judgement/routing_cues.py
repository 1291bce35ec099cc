"""The phrases that tell the kind of a request.  General English, no product's words."""

from __future__ import annotations

from contextd.model import TurnType
from contextd.policy.reading.utterance import cue, table

_VERBS = (
    r"(?:cancel|change|update|modify|edit|amend|switch|move|reschedule|postpone|extend|renew|book"
    r"|reserve|order|buy|purchase|get|open|close|create|set ?up|make|start|stop|add|remove"
    r"|delete|apply"
    r"|register|sign (?:me )?up|activate|deactivate|enable|disable|block|unblock|freeze|unfreeze"
    r"|lock"
    r"|unlock|reset|replace|return|exchange|refund|send|transfer|pay|deposit|withdraw|top ?up"
    r"|upgrade"
    r"|downgrade|increase|decrease|raise|reduce|lower|schedule|arrange|request|report|submit|file"
    r"|verify|confirm|download|print|email|mail|forward|put|turn (?:on|off)|upload|link|connect"
    r"|claim"
    r"|redeem|terminate|leave|quit|unsubscribe|subscribe|check (?:me )?(?:in|out)|bring|issue|waive"
    r"|track|find|place|swap|correct|fix|rebook|have)"
)
_POLITE = (
    r"(?:please |pls |kindly |just |also |now |then |so |ok |okay |hi |hello |hey |and |but |yes "
    r"|no |well )*"
)

_ACTION = table(
    cue(
        "imperative",
        0.7,
        rf"(?:^|[.!?,] ){_POLITE}{_VERBS}(?! (?:is|was|not|does|has|status|number|fee|limit))",
    ),
    cue(
        "request",
        0.65,
        r"(?:can|could|will|would) (?:you|u|we|i)(?: (?:please|pls|kindly|just|also|maybe|possibly"
        rf"|help me(?: to)?))* {_VERBS}",
        "can could will would",
    ),
    cue(
        "wish",
        0.7,
        r"(?:i|we)(?:'d| would|'ll| will)? ?(?:really |just |also |still )?(?:want|need|wanna"
        r"|like|love"
        r"|wish|have|must|prefer|decided|plan|am looking|'m looking|am trying|was trying|'m trying"
        rf"|was hoping)(?: (?:to|you to|for you to|it|us|someone to|help to|help))+ {_VERBS}",
        "want need wanna like love wish have must prefer decided plan looking trying hoping",
    ),
    cue(
        "help to act",
        0.6,
        rf"(?:help me|let me|let's|lets|how (?:can|do|could|would|should|to)(?: i| we)?) {_VERBS}"
        r"(?: (?:my|the|a|an|this|it|our|that|on|up|one))",
        "help let how",
    ),
    cue(
        "wants a thing",
        0.5,
        r"(?:i|we)(?:'d| would|'ll)? ?(?:really |just |also )?(?:want|need|like|have)"
        r" (?:a|an|the|my|some|another|new|one|two|three|\d+) ",
        "want need like have",
    ),
)

_ISSUE = table(
    cue(
        "does not work",
        0.8,
        r"(?:isn'?t|is not|not|doesn'?t|does not|don'?t|won'?t|will not|wouldn'?t|didn'?t"
        r"|did not|never"
        r"|hasn'?t|has not|haven'?t|have not|wasn'?t|cannot|can'?t|couldn'?t|unable to|stopped"
        r"|am not able to|failed to|fails to|still not|yet to)(?: (?:been|be|seem|appear|to|me"
        r"|get|even|let"
        r"|allow(?:ing|ed)?|properly|yet|currently|actually|still|able))*"
        r" (?:work\w*|show\w*|go\w*|come|came|coming|arriv\w*|receiv\w*|got|get|appear\w*"
        r"|updat\w*|credit\w*"
        r"|process\w*|deliver\w*|load\w*|open\w*|connect\w*|accept\w*|recogni\w*|respond\w*|login"
        r"|log in|access\w*|reflect\w*|refunded|find|see|use|turn\w*|start\w*|charg\w*|verif\w*"
        r"|add\w*"
        r"|complet\w*|match\w*|happen\w*|withdraw\w*|make|pay|through|correct|right)",
        "isn't isnt not doesn't doesnt don't dont won't wont will wouldn't didn't didnt did "
        "never hasn't "
        "hasnt has haven't have wasn't cannot can't cant couldn't unable stopped failed fails "
        "still yet",
        negatable=False,
    ),
    cue(
        "went wrong",
        0.7,
        r"declin\w+|reject\w+|fail(?:ed|ing|s|ure)|lost|stolen|missing|broken|damaged|defective"
        r"|faulty"
        r"|stuck|blocked|locked out|locked|frozen|hacked|compromised|reverted|bounced"
        r"|disappeared|gone"
        r"|vanished|leak\w*|dirty|noisy|smell\w*|crash\w*|error\w*|glitch\w*|bug|malfunction\w*"
        r"|cracked|down"
        r"|forgot|forgotten|swallowed|unauthori[sz]ed|fraud\w*|suspicious|overcharged|delayed|late"
        r"|expired|mistake\w*|pending",
        negatable=False,
    ),
    cue(
        "wrong or unwanted",
        0.65,
        r"(?:wrong|incorrect|problem|issue|trouble|difficult\w*|charged (?:twice|me|extra|double"
        r"|again)"
        r"|double charge|twice|too much|less than|instead of|(?:don'?t|didn'?t|do not"
        r"|did not) (?:recogni\w*"
        r"|make|authori\w*|order)|extra (?:charge|fee)|was (?:i )?charged"
        r"|have(?: i)? been charged|deducted"
        r"|not (?:mine|right|correct)|without (?:my|asking|telling)|still (?:waiting|pending"
        r"|haven|hasn|no|not))",
        "wrong incorrect problem issue trouble difficulty difficulties charged double twice much "
        "less "
        "instead recognize recognise don't didn't dont didnt did do extra deducted not without "
        "still",
        negatable=False,
    ),
    cue(
        "asks why of a fault",
        0.5,
        r"(?:why|how come|what happened|where)(?: (?:is|was|were|are|has|have|did|do|does|can'?t"
        r"|isn'?t|hasn'?t"
        r"|haven'?t|won'?t|didn'?t|am|there|to))+ (?:my|i|the|a|an|it|this|you|there)",
        "why how what where",
        negatable=False,
    ),
    cue(
        "wants money back",
        0.45,
        r"(?:refund|money back|reimburse\w*|compensat\w*)",
        "refund money reimburse compensation compensate",
        negatable=False,
    ),
)

_QUESTION = table(
    cue(
        "question word",
        0.6,
        r"(?:^|[.!?,] )(?:and |but |so |also |ok |okay |yes |no |hi |hello |hey |please |well "
        r"|then )*"
        r"(?:what(?:'s|s)?|when|where|which|who|whose|why|how|is|are|do (?:you|i|we|they|u|the"
        r"|my|all|any)|does|did|am|was|were"
        r"|will|has|have"
        r"|should)\b",
        negatable=False,
    ),
    cue(
        "asks to be told",
        0.7,
        r"(?:tell|inform|advise|explain|let me know|want to know|like to know|need to know"
        r"|wondering"
        r"|wonder|curious|clarify|question about|info(?:rmation)? (?:about|on|regarding)"
        r"|details (?:about|on|of)"
        r"|how (?:much|many|long|often|far|soon|old|big)|what (?:is|are|time|kind|type|happens)"
        r"|is there"
        r"|are there|do you (?:have|offer|accept|know|provide|support|allow|sell|ship|deliver)"
        r"|what about"
        r"|how about|can i (?:know|ask|see|check)|any (?:idea|info|way|chance)|possible to"
        r"|allowed to|am i able"
        r"|able to|eligible|difference between|cost of|price of)",
        negatable=False,
    ),
    cue("question mark", 0.3, r"\w+(?=\W*\?)", negatable=False),
)

_UNSUPPORTED = table(
    cue(
        "asks for entertainment",
        0.75,
        r"(?:tell|give|know|say)(?: me| us)?(?: a| an| another| some| any)?(?: \w+)? (?:jokes?"
        r"|riddles?|fun facts?"
        r"|stor(?:y|ies))|sing (?:me|a)|play (?:some |a |the |my )?(?:music|song|game"
        r"|playlist)\w*|next song"
        r"|(?:flip|toss) a coin|roll (?:a|the|some)? ?(?:die|dice)|(?:write"
        r"|compose)(?: me)? (?:a|an|some)(?: \w+)? "
        r"(?:poem|song|haiku|essay|story|lyrics)",
        "joke jokes riddle riddles fact facts story stories sing play song flip toss roll dice die "
        "poem haiku essay lyrics",
    ),
    cue(
        "asks a personal assistant",
        0.7,
        r"(?:set|snooze|turn off|cancel|delete) (?:an?|the|my|all)? ?(?:alarms?|timers?"
        r"|reminders?)|remind me to"
        r"|(?:add|put) (?:\w+ ){1,4}(?:to|on) my (?:shopping|to ?do|grocery) list|my (?:shopping"
        r"|to ?do|grocery) list"
        r"|(?:what'?s|what is) the (?:weather|temperature|forecast|time in|capital of"
        r"|square root|population)"
        r"|weather (?:in|like|for|today|tomorrow|forecast)|will it (?:rain|snow)"
        r"|is it (?:raining|going to rain)"
        r"|(?:how do (?:i|you)|how to|can you) (?:say|spell|translate|pronounce)"
        r"|translate (?:\w+ ){1,6}(?:to|into)"
        r"|(?:recipe|ingredients) (?:for|of|in)|how (?:do i|to) (?:cook|bake)|calories (?:in|are)"
        r"|(?:meaning|definition|synonym) of|who (?:won|is the president|invented|wrote)"
        r"|meaning of life"
        r"|solve (?:this|the) (?:equation|problem)|oil change|tire pressure|gas mileage",
        "alarm alarms timer timers reminder reminders remind shopping todo grocery weather "
        "temperature "
        "forecast time capital square population rain raining snow say spell translate pronounce "
        "recipe "
        "ingredients cook bake calories meaning definition synonym won president invented wrote "
        "solve "
        "oil tire gas",
    ),
)

VOTES = (
    (TurnType.INFO_QUESTION, _QUESTION),
    (TurnType.ACTION_REQUEST, _ACTION),
    (TurnType.ACCOUNT_ISSUE, _ISSUE),
    (TurnType.UNSUPPORTED, _UNSUPPORTED),
)
"""Which cues vote for which type.  Several cues of a table add up as independent evidence."""
