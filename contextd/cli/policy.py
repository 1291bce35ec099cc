"""`contextd policy …`: the rules in force for whom, and the schema of the file."""

from __future__ import annotations

import json as json_format
import os
from pathlib import Path  # noqa: TC003 - typer reads the hints
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from contextd.cli.output import emit, note
from contextd.config import Config, load, load_policies, policy_schema
from contextd.config.settings import leaves

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contextd.config import PolicyFile


def schema() -> None:
    """Print the JSON Schema of a policy file; it is in the repository, too.

    Editors complete and check a file whose first line is `#:schema policy.schema.json`.
    """
    typer.echo(json_format.dumps(policy_schema(), indent=2, ensure_ascii=False))


def show(
    policy: Annotated[
        Path | None, typer.Option(help="The policy file; by default that of the configuration.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="The TOML file.", metavar="FILE")] = None,
    *,
    tenant: Annotated[str, typer.Option(help="Whose rules; by default everybody's.")] = "",
    json: Annotated[bool, typer.Option("--json", help="As a JSON object.")] = False,
) -> None:
    """Print every rule in force for a tenant, where it was set, and the policy's hash.

    The hash is what answers to that tenant bear as `policy_hash`.
    """
    loaded = load({"policy.file": None if policy is None else str(policy)}, os.environ, config)
    read = load_policies(loaded)
    found = read.policies.of(tenant)
    rows = list(_rows(loaded, read, tenant))
    if json:
        rules = {name: {"value": value, "origin": origin} for name, value, origin in rows}
        emit({"tenant": tenant, "policy_hash": found.hash, "rules": rules})
        return
    table = Table("rule", "value", "from", box=None, header_style="bold")
    for name, value, origin in rows:
        style = "dim" if origin == "default" else ""
        table.add_row(name, json_format.dumps(value, ensure_ascii=False), origin, style=style)
    Console().print(table)
    whose = f"tenant {tenant}" if tenant in read.policies.tenants else "everybody"
    note(f"policy_hash {found.hash}, for {whose}; of the whole file: {read.policies.hash}")


def _rows(config: Config, read: PolicyFile, tenant: str) -> Iterator[tuple[str, object, str]]:
    """Give each rule in force for *tenant*: its name, its value and where that was set."""
    own, common = read.origins.get(tenant, {}), read.origins.get("", {})
    for name, _, value in leaves(read.policies.of(tenant).rules):
        set_before = config.origins.get(f"policy.{name}", "default")
        yield name, value, own.get(name, common.get(name, set_before))
