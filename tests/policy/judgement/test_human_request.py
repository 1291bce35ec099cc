from __future__ import annotations

import pytest

from contextd.policy.judgement.human_request import human_request
from contextd.policy.reading.utterance import hear

ASKS = [
    "I want to speak to a human",
    "Could you put me through to one of your advisors, please?",
    "agent",
    "HUMAN PLEASE!!!",
    "connect me with customer support",
    "transfer me to a real person",
    "get me your manager",
    "I'd rather talk to an actual person about this",
    "can somebody from your team call me?",
    "call me back on this number",
    "what is your customer care number",
    "how do I get hold of someone I can talk to",
    "I don't want to talk to a bot, give me a person",
    "I’d like to chat with a live agent",
    "stop sending me to this chatbot",
    "please escalate this",
    "is there anyone available who can help me",
    "why can't I just speak to a representative?",
    "I asked twice already to speak with a supervisor",
    "contact number please",
    "your contect details?",
    "can you get somebody to help me with it?",
    "I would love to have a chat with one of your engineers",
    "how do I go about contacting customer assistance",
    "I need help reaching your other agent",
    "just find someone who can explain this bill",
    "a complaint",
    "I'm lodging a bloody complaint",
    "put me through, please",
    "transfer me now",
    "someone contact me",
    "have your team contact me",
    "let your executive call",
    "can you get back to me about this?",
    "talk to an expert",
    "can I speak with the sales team",
    "need to talk",
    "could I get help from a person",
    "nobody picks up when I ring",
    "please arrange a call",
]
DOES_NOT = [
    "please respond to me in French",
    "Transfer me 50 euros from my savings",
    "you have put me through hell",
    "somebody called me from this number",
    "The team talks to the press tomorrow",
    "Can I consult my statement online?",
    "Please don't contact me any more",
    "I don't need a human, thanks",
    "No need to transfer me to an agent",
    "Can I do it without speaking to an agent?",
    "I would rather not talk to anyone",
    "Do I have to speak to someone to close the account?",
    "Please transfer 50 euros to another person",
    "I want to send money to someone abroad",
    "A room for one person, please",
    "The travel agent charged me a fee",
    "Somebody used my card yesterday",
    "Change my phone number to 555-0100",
    "What is the restaurant's phone number?",
    "Talk to you later",
    "The agent I spoke to yesterday was kind",
    "Give me another one",
    "contact number 555 0134 770",
    "phone no 5550134",
    "Can one of your trucks deliver on Sunday?",
    "Could you send someone a gift card for me?",
    "I got someone else's parcel",
    "my complaint was solved, thank you",
    "Is this person allowed to fly with hand luggage?",
    "",
]


@pytest.mark.parametrize("text", ASKS)
def test_asking_for_a_human_is_heard(text: str) -> None:
    """The phrases people use to get past the bot count as advice by themselves."""
    strength, label = human_request(hear(text))
    assert strength >= 0.6, label


@pytest.mark.parametrize("text", DOES_NOT)
def test_naming_a_person_is_no_request(text: str) -> None:
    """Refusals, transfers of money and mere mentions of people do not hand over."""
    strength, label = human_request(hear(text))
    assert strength < 0.6, label
