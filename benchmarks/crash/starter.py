"""Starts daemons by forking one process that has imported everything already.

    python -m benchmarks.crash.starter

Each line of its input is JSON: {"start": [argument, …], "folder": …, "environ": {…}},
{"reap": process id} or {"ready": true}; each is answered by one line, the process id.  A
daemon made so runs the same code from its command line on.  What it is spared is a second of
imports, and of reading the rank files and static vectors, which never change.  At the end of
its input the starter kills what is left.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from contextd import app
from contextd.__main__ import main
from contextd.config import Config
from contextd.embedders.static import StaticEmbedder

STORES = tuple(f"contextd.stores.{each}" for each in ("sqlite", "redis", "postgres", "tiered"))


def daemon(order: dict[str, Any]) -> None:
    """Become the daemon, in a process just forked."""
    os.setsid()
    folder = Path(order["folder"])
    log = os.open(folder / "daemon.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    null = os.open(os.devnull, os.O_RDONLY)
    for old, new in ((null, 0), (log, 1), (log, 2)):
        os.dup2(old, new)
    os.environ.update(order["environ"])
    os.chdir(folder)
    sys.argv = ["contextd", *order["start"]]
    main()


def serve() -> None:
    """Do what is asked, line by line."""
    children: set[int] = set()
    for line in sys.stdin:
        order = json.loads(line)
        if "reap" in order:
            process = order["reap"]
            os.waitpid(process, 0)
            children.discard(process)
        elif "ready" in order:
            process = os.getpid()
        else:
            process = os.fork()
            if not process:
                daemon(order)
                os._exit(0)
            children.add(process)
        sys.stdout.write(f"{process}\n")
        sys.stdout.flush()
    for process in children:
        os.kill(process, signal.SIGKILL)


def load() -> None:
    """Import what a daemon imports, and read what it reads at every start."""
    for name in ("contextd.cli.commands", "typer.main", *STORES):
        import_module(name)
    embedder, tokenizers = StaticEmbedder(), app.shipped_tokenizers(Config())
    tokenizers.for_model("")
    vars(app).update(StaticEmbedder=lambda: embedder, shipped_tokenizers=lambda _: tokenizers)
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    load()
    serve()
