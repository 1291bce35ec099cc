"""`contextd check`: is this configuration right, and is it wise?"""

from __future__ import annotations

import os
import time
from dataclasses import fields, replace
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.table import Table

from contextd.app.access import read_access
from contextd.cli import connect as connecting
from contextd.cli.exposed import exposed
from contextd.cli.output import emit, note
from contextd.config import Config, api_key, describe, example, load, load_policies
from contextd.embedders import check_static, fine_embedder
from contextd.errors import ConfigInvalid, DataFileCorrupt
from contextd.stores.probes import Level
from contextd.tokenizers.openai import check_ranks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contextd.config import PolicyFile, SummarizerConfig
    from contextd.stores.probes import Looked

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SMALL_INPUT = 2048
SOON_SECONDS = 14 * 86_400.0


def check(
    config: Annotated[Path | None, typer.Option(help="The TOML file.", metavar="FILE")] = None,
    policy: Annotated[
        Path | None, typer.Option(help="The policy file; by default that of the configuration.")
    ] = None,
    *,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail the check too.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As a JSON object.")] = False,
    connect: Annotated[
        bool, typer.Option("--connect", help="Also ask the stores for dangerous settings.")
    ] = False,
    timeout: Annotated[
        float, typer.Option(help="With --connect: seconds to wait for an answer.", min=0.1)
    ] = 3.0,
    sidecars: Annotated[
        int, typer.Option(help="With --connect: daemons that will share the store.", min=1)
    ] = 1,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Print every setting's default as TOML instead.")
    ] = False,
) -> None:
    """Check configuration, policy and shipped files; starts nothing.

    It touches no network unless --connect is given.

    Exit 0: good.  1: good with warnings, and --strict was given.  2: not acceptable.
    """
    if defaults:
        typer.echo(example(), nl=False)
        return
    flags = {"policy.file": None if policy is None else str(policy)}
    try:
        loaded = load(flags, os.environ, config)
        read = load_policies(loaded)
    except ConfigInvalid as error:
        _refuse(str(error).splitlines(), json=json)
    if problems := list(damaged(loaded.embedder.model)):
        _refuse(problems, json=json)
    warnings = [*surprises(loaded), *read.warnings]
    loaded = _in_force(loaded, read)
    looked = connecting.look(loaded, timeout, sidecars) if connect else None
    raise typer.Exit(_tell(loaded, warnings, looked, json=json, strict=strict))


def _tell(
    config: Config,
    warnings: list[str],
    looked: dict[str, Looked] | None,
    *,
    json: bool,
    strict: bool,
) -> int:
    """Say what there is to say; return the exit code."""
    found = looked or {}
    problems = list(connecting.of_level(found, Level.ERROR))
    unwise = [*warnings, *connecting.of_level(found, Level.WARNING)]
    if json:
        settings = {s.name: {"value": s.text, "origin": s.origin} for s in describe(config)}
        told = {"ok": not problems, "problems": problems, "warnings": unwise, "settings": settings}
        emit(told if looked is None else {**told, "stores": connecting.told(looked)})
    else:
        _show(config, warnings)
        connecting.show(found)
    if problems:
        return 2
    return 1 if unwise and strict else 0


def _refuse(problems: list[str], *, json: bool) -> NoReturn:
    if json:
        emit({"ok": False, "problems": problems, "warnings": []})
    for problem in [] if json else problems:
        note(f"error: {problem}")
    raise typer.Exit(2)


def _in_force(config: Config, read: PolicyFile) -> Config:
    """Return *config* with the rules for everybody as the policy file has them."""
    rules = read.policies.base.rules
    policy = {each.name: getattr(rules, each.name) for each in fields(rules)}
    origins = {f"policy.{name}": origin for name, origin in read.origins.get("", {}).items()}
    return replace(
        config,
        policy=replace(config.policy, **policy),
        origins={**config.origins, **origins},
    )


def _show(config: Config, warnings: list[str]) -> None:
    table = Table("setting", "value", "from", box=None, header_style="bold")
    for setting in describe(config):
        style = "dim" if setting.origin == "default" else ""
        table.add_row(setting.name, setting.text, setting.origin, style=style)
    Console().print(table)
    for warning in warnings:
        note(f"warning: {warning}")


def damaged(model: str) -> Iterator[str]:
    """Yield which files are not as they were shipped, or why there is no embedder *model*."""
    for look in (check_static, check_ranks, partial(fine_embedder, model)):
        try:
            look()
        except (ConfigInvalid, DataFileCorrupt) as error:
            yield str(error)


def surprises(config: Config) -> Iterator[str]:
    """Yield what works and yet may surprise."""
    yield from exposed(config)
    yield from _keys(config)
    yield from _fleeting(config)
    room = config.budget.context_window_tokens - config.budget.reserved_output_tokens
    if room < SMALL_INPUT:
        yield f"budget leaves {room} tokens for the prompt; conversations will fold at once"
    yield from _summarizer(config.summarizer)
    for pattern, name in config.tokenizers.files.items():
        if not Path(name).is_file():
            yield f"tokenizers.files {pattern!r}: there is no file {name}"


def _keys(config: Config) -> Iterator[str]:
    """Yield what would keep the daemon from starting here, or soon callers from connecting."""
    ends: list[float] = []
    try:
        read_access(config, ends.append)
    except ConfigInvalid as error:
        yield str(error)
    for each in ends:
        if each - time.time() < SOON_SECONDS:
            yield f"tls.cert expires on {datetime.fromtimestamp(each, UTC):%Y-%m-%d %H:%M} UTC"


def _summarizer(settings: SummarizerConfig) -> Iterator[str]:
    """Yield what may surprise of a model that is asked for summaries; nothing of its key."""
    if settings.kind == "none":
        return
    url = urlsplit(settings.url)
    if url.hostname not in LOOPBACK:
        plain = ", unencrypted" if url.scheme == "http" else ""
        yield f"summarizer.url: old turns of conversations are sent to {url.hostname}{plain}"
    if not url.path.strip("/"):
        yield (
            f"summarizer.url {settings.url} has no path; most servers (OpenAI, vLLM, llama.cpp, "
            "Ollama) want it to end in /v1"
        )
    if find_spec("httpx2") is None:
        yield "summarizer.kind openai needs an HTTP client: pip install 'contextd[serve,llm]'"
    try:
        api_key(settings, os.environ)
    except ConfigInvalid as error:
        yield str(error)


def _fleeting(config: Config) -> Iterator[str]:
    if config.store.url.startswith("memory:"):
        yield "store.url keeps sessions in memory only: they end with the process"
    path = config.store.url.partition(":///")[2]
    if config.store.url.startswith("sqlite:") and path and not path.startswith("/"):
        yield f"store.url {config.store.url} is relative: it depends on where the daemon starts"
