"""Hunts for bytes that break a promise: `make fuzz ARGS="--seconds 60"`."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from rich.console import Console

from benchmarks.screen import progress_bar, table_of
from tests.fuzz.targets import TARGETS, seeds

EXECUTED = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
COVERED = re.compile(r"cov: (\d+)")
MAX_BYTES = 4_096


@dataclass(frozen=True)
class Hunt:
    """What came of one target; `crashes` names the files that hold the bytes."""

    target: str
    executions: int
    covered: int
    crashes: tuple[str, ...]
    failed: bool


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default: 60)")
    parser.add_argument("--only", choices=TARGETS, action="append", help="this target; repeatable")
    parser.add_argument("--folder", type=Path, default=Path("build/fuzz"), help="of what is found")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args(arguments)


def planted(folder: Path, name: str) -> Path:
    """Return the corpus of a target, with its seeds in it."""
    corpus = folder / name / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in seeds(name):
        (corpus / sha256(seed).hexdigest()[:16]).write_bytes(seed)
    return corpus


def hunted(name: str, folder: Path, seconds: int) -> Hunt:
    """Fuzz one target in a process of its own; what it says is kept beside its corpus."""
    corpus = planted(folder, name)
    command = [sys.executable, "-m", "tests.fuzz.hunt", name, str(corpus)]
    command += [f"-max_total_time={seconds}", f"-max_len={MAX_BYTES}", "-print_final_stats=1"]
    command += [f"-artifact_prefix={corpus.parent}/", "-timeout=20"]
    log = corpus.parent / "log.txt"
    with log.open("wb") as into:
        code = subprocess.run(command, stdout=into, stderr=into, check=False).returncode
    said = log.read_text(errors="replace")
    executed, covered = EXECUTED.findall(said), COVERED.findall(said)
    found = tuple(str(path) for path in sorted(corpus.parent.glob("*-*")))
    return Hunt(
        target=name,
        executions=int(executed[-1]) if executed else 0,
        covered=int(covered[-1]) if covered else 0,
        crashes=found,
        failed=bool(code),
    )


def main() -> int:
    """Fuzz each target in turn; return 1 when one was broken, or did not run."""
    asked, console = options(), Console(stderr=True)
    found = []
    with progress_bar(console, 14) as bar:
        work = bar.add_task("fuzzing", total=len(asked.only or TARGETS))
        for name in asked.only or TARGETS:
            bar.update(work, description=name)
            found.append(hunted(name, asked.folder, asked.seconds))
            bar.advance(work)
    table = table_of("Hostile bytes", "target", "executions", "branches", "crashes", left="target")
    for each in found:
        ran = "did not run" if each.failed and not each.crashes else str(len(each.crashes))
        table.add_row(each.target, f"{each.executions:,}", f"{each.covered:,}", ran)
    Console().print(table)
    for each in found:
        if each.failed:
            log = asked.folder / each.target / "log.txt"
            console.print(f"{each.target}: see {log} {' '.join(each.crashes)}")
    if asked.json:
        asked.json.write_text(json.dumps({each.target: asdict(each) for each in found}, indent=2))
    return int(any(each.failed for each in found))


if __name__ == "__main__":
    sys.exit(main())
