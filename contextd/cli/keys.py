"""What a command brings to a daemon that wants to know who asks."""

from __future__ import annotations

import inspect
import os
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import grpc
import typer

from contextd.cli.output import fail

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SYSTEM = "system"
"""In place of a CA file: the roots that this machine trusts."""

TOKEN_VARIABLE = "CONTEXTD_TOKEN"  # noqa: S105 - the name of a variable


@dataclass(frozen=True, slots=True)
class Keys:
    """Files that say who we are, and whom we trust; "" for none."""

    token_file: str = ""
    tls_ca: str = ""
    tls_cert: str = ""
    tls_key: str = ""

    def credentials(self, target: str) -> grpc.ChannelCredentials | None:
        """Return how to speak TLS to *target*; None for plain text.

        A Unix socket is this machine's alone, and speaks no TLS.
        """
        if not self.tls_ca or target.startswith("unix:"):
            return None
        return grpc.ssl_channel_credentials(
            None if self.tls_ca == SYSTEM else _read(self.tls_ca),
            _read(self.tls_key) if self.tls_key else None,
            _read(self.tls_cert) if self.tls_cert else None,
        )

    def metadata(self, environ: Mapping[str, str] = os.environ) -> tuple[tuple[str, str], ...]:
        """Return the headers of every call: the token of the file, or of CONTEXTD_TOKEN."""
        token = _read(self.token_file).decode() if self.token_file else environ.get(TOKEN_VARIABLE)
        return (("authorization", f"Bearer {token.strip()}"),) if token else ()


OPTIONS: Mapping[str, tuple[str, str, str]] = {
    "token_file": ("--token-file", "CONTEXTD_TOKEN_FILE", "A bearer token (or CONTEXTD_TOKEN)."),
    "tls_ca": ("--tls-ca", "CONTEXTD_TLS_CA", f"Speak TLS; trust this CA, or '{SYSTEM}'."),
    "tls_cert": ("--tls-cert", "CONTEXTD_TLS_CERT", "Our certificate, where one is wanted."),
    "tls_key": ("--tls-key", "CONTEXTD_TLS_KEY", "Its key."),
}


def with_keys(command: Callable[..., None]) -> Callable[..., None]:
    """Give *command* the options of `Keys`; it gets what they say as `keys`."""

    @wraps(command)
    def called(*args: Any, **given: Any) -> None:  # noqa: ANN401 - whatever the command takes
        own = {name: given.pop(name) for name in OPTIONS}
        command(*args, keys=Keys(**own), **given)

    kind = inspect.Parameter.KEYWORD_ONLY
    added = [
        inspect.Parameter(
            name,
            kind,
            default="",
            annotation=Annotated[
                str, typer.Option(flag, envvar=variable, help=text, metavar="FILE")
            ],
        )
        for name, (flag, variable, text) in OPTIONS.items()
    ]
    signature = inspect.signature(command)
    hints = get_type_hints(command, include_extras=True)
    kept = [
        each.replace(annotation=hints.get(each.name, each.annotation))
        for each in signature.parameters.values()
        if each.name != "keys"
    ]
    shown: Any = called
    shown.__signature__ = signature.replace(parameters=[*kept, *added])
    shown.__annotations__ = {each.name: each.annotation for each in (*kept, *added)}
    return called


def _read(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        fail(f"cannot read {name}: {error.strerror}", code=2)
