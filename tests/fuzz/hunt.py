"""One target under libFuzzer: `python -m tests.fuzz.hunt NAME CORPUS [OPTION…]`."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["contextd"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Fuzz until libFuzzer's options end it; a crash ends the process with its code."""
    name, *options = sys.argv[1:]
    atheris.Setup([sys.argv[0], *options], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
