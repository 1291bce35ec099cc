"""Who is told of handoffs, wired when a webhook is configured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from contextd.app.running import new_id, now, run_until_closed
from contextd.couriers import open_courier
from contextd.couriers.targets import Target, signing_keys
from contextd.engine.announce import Announce
from contextd.engine.escalate import nobody
from contextd.errors import ConfigInvalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AsyncExitStack

    from contextd.app.ports_in_use import Ports
    from contextd.config import Config
    from contextd.config.settings import WebhookConfig, WebhooksConfig


def wire_webhooks(config: Config, ports: Ports, stack: AsyncExitStack) -> Callable[[str], bool]:
    """Begin to bring notices where webhooks are configured; return which tenants want any.

    Raises:
        ConfigInvalid: a secret cannot be read, or the HTTP client is not installed.
    """
    targets = dict(read_targets(config.webhooks))
    if not targets:
        return nobody
    courier = open_courier(targets, now, timeout=config.webhooks.timeout_seconds)
    stack.push_async_callback(courier.aclose)
    announce = Announce(
        store=ports.store,
        courier=courier,
        clock=now,
        new_id=new_id,
        observer=ports.observer,
        policies=ports.policies,
    )
    # Cancelled at the end rather than finished: what was not taken is brought again.
    run_until_closed(stack, announce.run())
    return courier.wanted


def read_targets(settings: WebhooksConfig) -> Iterator[tuple[str, Target]]:
    """Yield who is told, by tenant ("" for all others), with the secrets in their files.

    Raises:
        ConfigInvalid: a secret is missing or is none; it is not shown.
    """
    if settings.url:
        yield "", Target(settings.url, _keys("", settings))
    for tenant, each in settings.tenants.items():
        yield tenant, Target(each.url, _keys(tenant, each))


def _keys(tenant: str, settings: WebhookConfig) -> tuple[bytes, ...]:
    name = f"webhooks.tenants.{tenant}.secret_file" if tenant else "webhooks.secret_file"
    try:
        return signing_keys(Path(settings.secret_file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigInvalid(f"{name}: {settings.secret_file!r} cannot be read") from error
    except ConfigInvalid as error:
        raise ConfigInvalid(f"{name}: {error}") from error
