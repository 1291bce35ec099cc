"""A copy of the tree without one safeguard, and the tests in it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.mutants.safeguards import Edit, Mutant

ROOT = Path(__file__).parents[2]
PARTS = (
    "contextd",
    "tests",
    "benchmarks",
    "clients",
    "proto",
    "docs",
    "pyproject.toml",
    "Makefile",
)
SECONDS = 300
GREEN, RED = 0, 1
"""What pytest returns; anything else means that the tests could not be run."""


class Stale(Exception):
    """A mutant's text is not in its file, or more than once: the list must follow the code."""


@dataclass(frozen=True)
class Tried:
    """What became of the tests: `killed`, `SURVIVED` or `broken`, and the end of what they said."""

    outcome: str
    seconds: float
    said: str


def mutated(edit: Edit, root: Path = ROOT) -> str:
    """Return the file of *edit* with its change.

    Raises:
        Stale: there is nothing to change, or more than one place.
    """
    text = (root / edit.file).read_text(encoding="utf-8") if (root / edit.file).exists() else ""
    if text.count(edit.old) != 1:
        raise Stale(f"{edit.file} has {text.count(edit.old)} times: {edit.old.strip()!r}")
    return text.replace(edit.old, edit.new)


@contextmanager
def copied() -> Iterator[Path]:
    """Give a copy of the tree: links to its files, which an edit replaces."""
    with tempfile.TemporaryDirectory(prefix="contextd-mutant-") as folder:
        for part in PARTS:
            source, target = ROOT / part, Path(folder) / part
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "node_modules")
                shutil.copytree(source, target, copy_function=_link, ignore=ignored)
            elif source.exists():
                shutil.copy2(source, target)
        yield Path(folder)


def attempt(mutant: Mutant) -> Tried:
    """Take the safeguard away and run the tests that must notice."""
    with copied() as root:
        for edit in mutant.edits:
            text = mutated(edit, root)
            (root / edit.file).unlink()
            (root / edit.file).write_text(text, encoding="utf-8")
        returned, seconds, said = tested(root, mutant.tests)
    outcome = {GREEN: "SURVIVED", RED: "killed"}.get(returned, "broken")
    return Tried(outcome, seconds, said)


def tested(root: Path, tests: Sequence[str]) -> tuple[int, float, str]:
    """Run *tests* in *root*; return what pytest returned, the seconds, and its last lines.

    What hangs is red: whoever waits for the answer would notice.
    """
    began = time.monotonic()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-x",
            "-p",
            "no:cacheprovider",
            "--timeout=60",
            *tests,
        ],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=SECONDS)
        returned = process.returncode
    except subprocess.TimeoutExpired:
        returned, said = RED, f"no end in {SECONDS} seconds"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return returned, time.monotonic() - began, "\n".join(said.splitlines()[-12:])


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)
