"""`contextd webhooks secret`: a new secret to sign notices with."""

from __future__ import annotations

import secrets
from base64 import b64encode

import typer

from contextd.couriers.targets import PREFIX

KEY_BYTES = 32


def secret() -> None:
    """Print a new secret: a line for `webhooks.secret_file`, and for the receiver.

    Put it before the old one in the file, and remove the old one when every receiver has it.
    """
    typer.echo(PREFIX + b64encode(secrets.token_bytes(KEY_BYTES)).decode())
