"""What customers of a bank write, and what they would rather ask somebody else.  Our own.

None of these stands in docs/examples/bank.toml, whose mark they were written to judge.
"""

from __future__ import annotations

INSIDE = """
how much do i have left in checking
what did i pay for groceries in march
can you move 300 from checking to savings
when is my visa payment due
is there a charge for using my card in Mexico
someone took money from my account without asking me
i'd like a mortgage, what do you need from me
raise my overdraft limit
my pin doesn't work at the machine
send my brother 50 euros
how do I dispute a transaction
what's the iban of my account
i need a statement for my landlord
when will my salary come in
the atm ate my card
has the check I deposited cleared
pay the gas bill from savings
i'm going to Japan next month and want my card to keep working
open a savings account for my son
what's the interest on my car loan
why did my payment bounce
can i get a higher credit line
my new debit card never arrived
stop the payment on check 1042
what's the exchange rate for dollars today
do you have a branch near the station
i want to change the phone number you have for me
how much of my mortgage is left
my card got declined in the supermarket
i think my account was hacked
""".strip().splitlines()

OUTSIDE = """
what's the weather going to be like on Sunday
play some jazz
book me a table at an italian restaurant
how long should I boil an egg
is my flight on time
translate good morning into Spanish
set a timer for ten minutes
who won the match last night
how many calories are in a banana
turn the lights off in the kitchen
what's a good movie for kids
how far is it to the airport by car
I need a dentist appointment
my shoes don't fit, can I exchange them
when does the museum open
tell me a story about a dragon
what should I wear to a wedding
order a large pepperoni pizza
does my car need an oil change
how do I get red wine out of a carpet
what time is it in Tokyo
remind me to water the plants
is the hotel close to the beach
how old is the universe
my internet is slow today
what visa do I need for India
which gym is the cheapest
call my mother
add milk to my shopping list
are dogs allowed in the park
""".strip().splitlines()
