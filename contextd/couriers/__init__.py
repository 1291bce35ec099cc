"""What brings notices to a tenant's desk; nothing by default."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from contextd.errors import ConfigInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contextd.couriers.targets import Target
    from contextd.ports import Clock, Courier


def open_courier(targets: Mapping[str, Target], clock: Clock, *, timeout: float) -> Courier:
    """Return what posts to *targets*, by tenant ("" for all others); connects when needed.

    *timeout* bounds one delivery, in seconds.

    Raises:
        ConfigInvalid: the HTTP client is not installed.
    """
    try:
        adapter = import_module("contextd.couriers.webhook")  # its client is an extra
    except ImportError as error:
        raise ConfigInvalid(
            "webhooks need an HTTP client: pip install 'contextd[serve,webhooks]'"
        ) from error
    made: Courier = adapter.WebhookCourier(targets, clock, timeout=timeout)
    return made
