"""`contextd` and `python -m contextd`: hand over to the command line, if it is installed."""

from __future__ import annotations

import importlib
import os
import sys
from importlib.util import find_spec

NEEDED = ("typer", "rich", "msgspec", "uvloop", "apsw", "tiktoken", "grpc_health")


def main() -> None:
    """Run the command line and exit with its code.

    The base install holds the stubs for callers only; the commands need the `serve` extra.
    A probe calls `contextd health` every few seconds, so it goes past the command line
    proper, whose imports alone take a quarter of a second.
    """
    # Read when gRPC is imported: otherwise every stranger who fails a TLS handshake leaves
    # lines of its own form in the log.
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"contextd: {', '.join(missing)} not installed. The daemon and its commands need "
            "the 'serve' extra:\n\n    pip install 'contextd[serve]'\n"
        )
        sys.exit(1)
    if sys.argv[1:2] == ["health"]:
        sys.exit(importlib.import_module("contextd.cli.health").probe(sys.argv[2:]))
    importlib.import_module("contextd.cli.commands").main()


if __name__ == "__main__":
    main()
