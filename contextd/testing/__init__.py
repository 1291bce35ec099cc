"""The test kit that comes with contextd, for its own adapters and for other people's.

`contracts`, `vectors` and `stateful` hold the suites an adapter must pass, `fakes` stands in for
the outside, `scenario` makes conversations.
"""
