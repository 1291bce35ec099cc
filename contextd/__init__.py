"""contextd: the sidecar that gives a chat frontend the right context, within budget."""

__version__ = "0.1.0"
