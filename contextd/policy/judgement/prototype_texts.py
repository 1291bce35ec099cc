"""Sentences of our own that stand for the turn types, of any shop, bank, carrier or hotel.

General English, as customers write; no product's words.  None for `UNSUPPORTED`: what a product
does not do is known to its tenant alone.  Chosen by what the types mean, not by what they score.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.model import TurnType

if TYPE_CHECKING:
    from collections.abc import Mapping

_INFO_QUESTION = """
What are your opening hours?
How long does delivery usually take?
How much does it cost to send a parcel abroad?
Which payment methods do you accept?
Do you ship to other countries?
What is the difference between the two plans?
Is breakfast included in the price?
Where is your nearest store?
What documents do I need to open an account?
Can I use my card in other countries?
How do I change my password?
What fees do you charge?
What is my current balance?
When does my contract end?
What is your return policy?
Do you have this in another size?
How does the loyalty programme work?
Is there a minimum age to sign up?
What is the interest rate on the savings account?
How can I contact you?
Which countries do you support?
How often are statements sent?
Can you tell me more about the premium plan?
Is the pool heated?
What time is check-in?
How many days of notice do I have to give?
Are pets allowed?
Do you price match?
What exchange rate do you use?
How do I get a receipt?
"""

_ACTION_REQUEST = """
Cancel my subscription, please.
I want to cancel my order.
Please change the delivery address of my order.
Book a table for two tomorrow evening.
I would like to reserve a double room from Friday to Sunday.
Transfer fifty euros to my savings account.
Block my card.
I'd like to return this item and get my money back.
Upgrade me to the bigger plan.
Reset my password for me.
Send me a copy of my invoice.
Move my appointment to Thursday.
Close my account, please.
Open a new savings account for me.
Add my wife to the contract.
Set up a direct debit for the rent.
Order a replacement card.
I need to update my phone number.
Change my seat to one by the window.
Book me a flight to Berlin on Monday.
Please activate my new card.
I want to buy a gift voucher.
Order two pizzas to my home.
Set a reminder for the payment.
I wish to sign up for the newsletter.
Pay my electricity bill.
Stop the standing order.
Increase my credit limit.
Please delete my data.
Refund my last payment.
"""

_ACCOUNT_ISSUE = """
My card was declined.
I cannot log in to my account.
My parcel has not arrived yet.
The payment failed, but the money was taken.
I was charged twice for the same order.
There is a charge on my statement that I do not recognise.
My internet has been down since this morning.
The app keeps crashing.
I have not received my refund.
The code you sent me does not work.
Why is my account blocked?
My transfer is still pending.
I received the wrong item.
The product arrived broken.
My top-up did not go through.
I never got the confirmation email.
The cash machine swallowed my card.
The amount on my bill is wrong.
Somebody used my card without my permission.
My phone has been stolen.
The room was dirty and the shower did not work.
My order is late.
I lost my card.
The discount was not applied.
It says that my password is wrong.
My verification was rejected.
The balance has not been updated after my deposit.
I forgot my PIN.
My contactless payment stopped working.
The website gives me an error when I pay.
"""

_ESCALATION_CANDIDATE = """
I want to talk to a human.
Let me speak to a real person.
Can you connect me to an agent?
Put me through to your manager.
I would like to talk to customer service.
Is there somebody I can call?
Please have someone call me back.
Give me a phone number where I can reach a person.
I don't want to chat with a bot.
Transfer me to a representative.
I want to file a complaint with your supervisor.
Could someone from your team contact me?
"""

DEFAULT: Mapping[TurnType, tuple[str, ...]] = {
    TurnType.INFO_QUESTION: tuple(_INFO_QUESTION.strip().splitlines()),
    TurnType.ACTION_REQUEST: tuple(_ACTION_REQUEST.strip().splitlines()),
    TurnType.ACCOUNT_ISSUE: tuple(_ACCOUNT_ISSUE.strip().splitlines()),
    TurnType.ESCALATION_CANDIDATE: tuple(_ESCALATION_CANDIDATE.strip().splitlines()),
}
