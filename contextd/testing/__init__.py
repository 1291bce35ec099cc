"""The test kit that comes with contextd, for its own adapters and for other people's.

`contracts` and `stateful` hold the suites an adapter must pass, `fakes` and `faults` stand in
for the outside, `scenario` makes conversations.  `driving` lets several clients talk to one session
and `histories` checks what they were answered; `proxy` is a network that fails.
"""
