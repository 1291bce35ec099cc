"""How good the built contexts are, measured on conversations that other people wrote.

See `docs/quality.md`: how to run it, what each figure means, the format of a set.
"""
