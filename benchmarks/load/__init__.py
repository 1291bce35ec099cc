"""How fast the daemon is: open-loop load, beside what the transport and the disk allow.

See `docs/performance.md`: how it is measured, the commands, the figures.
"""
