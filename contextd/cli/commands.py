"""The table of commands; each is imported when it is called, or listed.

So `contextd version` does not pay for what `contextd serve` needs.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from contextd import __version__
from contextd.cli.health import probe
from contextd.cli.output import complain
from contextd.errors import ConfigInvalid, ContextdError

COMMANDS: Mapping[str, str] = {
    "serve": "contextd.cli.serve:serve",
    "demo": "contextd.cli.demo.command:demo",
    "replay": "contextd.cli.replay:replay",
    "loadtest": "contextd.cli.loadtest.command:loadtest",
    "check": "contextd.cli.check:check",
    "migrate": "contextd.cli.migrate:migrate",
    "policy": "contextd.cli.commands:POLICY",
    "health": "contextd.cli.commands:health",
    "session": "contextd.cli.commands:SESSION",
    "handoffs": "contextd.cli.commands:HANDOFFS",
    "account": "contextd.cli.commands:ACCOUNT",
    "token": "contextd.cli.commands:TOKEN",
    "webhooks": "contextd.cli.commands:WEBHOOKS",
    "version": "contextd.cli.version:version",
}
SESSION: Mapping[str, str] = {
    "show": "contextd.cli.session:show",
    "list": "contextd.cli.session:list_sessions",
    "export": "contextd.cli.archive:export",
    "import": "contextd.cli.archive:import_file",
    "delete": "contextd.cli.session:delete",
    "close": "contextd.cli.session_life:close",
    "watch": "contextd.cli.session_life:watch",
}
HANDOFFS: Mapping[str, str] = {
    "list": "contextd.cli.handoffs:list_handoffs",
    "show": "contextd.cli.handoffs:show",
    "claim": "contextd.cli.handoffs:claim",
    "resolve": "contextd.cli.handoffs:resolve",
    "watch": "contextd.cli.handoffs:watch",
    "notices": "contextd.cli.notices:notices",
    "resend": "contextd.cli.notices:resend",
}
POLICY: Mapping[str, str] = {
    "show": "contextd.cli.policy:show",
    "schema": "contextd.cli.policy:schema",
}
ACCOUNT: Mapping[str, str] = {
    "show": "contextd.cli.account:show",
    "set": "contextd.cli.account:set_facts",
    "forget": "contextd.cli.account:forget",
}
TOKEN: Mapping[str, str] = {"new": "contextd.cli.token:new"}
WEBHOOKS: Mapping[str, str] = {"secret": "contextd.cli.webhooks:secret"}
GROUPS: Mapping[str, str] = {
    "session": "Look at sessions, move them, watch, close and delete them.",
    "account": "Look at what is known of accounts, change it, forget it.",
    "handoffs": "See who waits for a human, take it, give it back.",
    "policy": "Look at the rules in force, and their schema.",
    "token": "Make credentials for callers.",
    "webhooks": "Make secrets that sign what a desk is told.",
}
AS_IT_IS: Mapping[str, Any] = {
    "ignore_unknown_options": True,
    "allow_extra_args": True,
    "help_option_names": [],
}


def main() -> None:
    """Run the command that the arguments name; exit 0 well, 1 failed, 2 wrongly called."""
    try:
        _group(COMMANDS, "The right context for every message, within budget.")(
            prog_name="contextd"
        )
    except ContextdError as error:
        complain(str(error))
        sys.exit(2 if isinstance(error, ConfigInvalid) else 1)


def health(context: typer.Context) -> None:
    """Ask a daemon whether it serves: exit 0 if it does, 1 if not."""
    raise typer.Exit(probe(context.args))


def _group(table: Mapping[str, str], text: str) -> typer.Typer:
    """Return an app whose commands are found in *table* when they are needed."""

    class Lazy(TyperGroup):
        def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 - typer's own class
            return list(table)

        def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401, ARG002 - as above
            return _command(cmd_name, table[cmd_name]) if cmd_name in table else None

    app = typer.Typer(cls=Lazy, no_args_is_help=True, **_look())
    app.callback(help=text)(_root)
    return app


def _command(name: str, address: str) -> Any:  # noqa: ANN401 - typer does not export the class
    module, _, attribute = address.partition(":")
    target = getattr(importlib.import_module(module), attribute)
    if isinstance(target, Mapping):
        command = typer.main.get_command(_group(target, GROUPS[name]))
    else:
        app = typer.Typer(**_look())
        app.command(name, context_settings=dict(AS_IT_IS) if target is health else None)(target)
        command = typer.main.get_command(app)
    command.name = name
    return command


def _look() -> dict[str, Any]:
    return {
        "add_completion": False,
        "context_settings": {"help_option_names": ["-h", "--help"]},
        "pretty_exceptions_enable": False,
        "rich_markup_mode": "rich",
    }


def _show_version(value: bool) -> None:  # noqa: FBT001 - the shape typer calls
    if value:
        typer.echo(__version__)
        raise typer.Exit


def _root(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Options that every group takes."""
