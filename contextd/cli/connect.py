"""`contextd check --connect`: what the servers that the configuration names would do to us."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from contextd.cli.output import note
from contextd.config import describe, hide_secrets
from contextd.stores.probes import Level, Surroundings, look_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from contextd.config import Config
    from contextd.stores.probes import Finding, Looked


def look(config: Config, seconds: float, sidecars: int) -> dict[str, Looked]:
    """Look at every store that *config* names; return what was found by the setting's name."""
    around = Surroundings(seconds, time.time, sidecars)
    stores = [each for each in describe(config) if each.name.startswith("store.")]
    named = {each.name: each.value for each in stores if isinstance(each.value, str)}
    return asyncio.run(_look({name: url for name, url in named.items() if ":" in url}, around))


async def _look(urls: Mapping[str, str], around: Surroundings) -> dict[str, Looked]:
    looked: dict[str, Looked] = {}
    for name, url in urls.items():
        note(f"looking at {name} {hide_secrets(url)} …")
        looked[name] = await look_at(url, around)
    return looked


def of_level(looked: Mapping[str, Looked], level: Level) -> Iterator[str]:
    """Yield what was found of that level, a line each."""
    for name, each in looked.items():
        yield from (f"{name}: {found}" for found in each.findings if found.level is level)


def told(looked: Mapping[str, Looked]) -> dict[str, object]:
    """Return what was read and found as JSON has it."""
    return {
        name: {
            "kind": each.kind,
            "read": {server: dict(values) for server, values in each.read.items()},
            "findings": [asdict(found) for found in each.findings],
        }
        for name, each in looked.items()
    }


def show(looked: Mapping[str, Looked]) -> None:
    """Print a table of what was found, or that nothing was."""
    for name, each in looked.items():
        if not each.read and not each.findings:
            note(f"{name}: there is nothing to connect to")
        elif not each.findings:
            note(f"{name}: {', '.join(each.read)}: nothing dangerous found")
        else:
            Console().print(_table(name, each.findings))


def _table(name: str, findings: Sequence[Finding]) -> Table:
    table = Table(title=name, title_justify="left", header_style="bold")
    for heading in ("", "found", "what may happen", "what to do"):
        table.add_column(heading, overflow="fold")
    for each in findings:
        found = f"{each.setting}: {each.value}\n{each.server}"
        style = "red" if each.level is Level.ERROR else ""
        table.add_row(each.level, found, each.risk, each.remedy, style=style)
    return table
