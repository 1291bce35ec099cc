"""What must hold between settings before the daemon starts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from contextd.config.bounds import out_of_bounds
from contextd.config.exposure import exposure_checks, split_address
from contextd.config.policy_checks import faults
from contextd.config.settings import (
    DEFAULT,
    Config,
    SummarizerConfig,
    WebhookConfig,
    WebhooksConfig,
    describe,
)
from contextd.errors import ConfigInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator

    Check = tuple[bool, str, str]  # does it hold, the setting, what it must be

EMBEDDERS = ("minilm", "static")
LIBRARY = "sentence-transformers:"
LOG_LEVELS = ("debug", "info", "warning", "error")
HIGHEST_MODE = 0o777
LONGEST_SOCKET_PATH = 100  # the kernel takes 107 bytes; the lock file needs a suffix
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:")
LEAST_POLL = 0.05  # more often, a watch alone would keep a core busy
SUMMARIZERS = ("none", "openai")


def verify(config: Config) -> None:
    """Raise ConfigInvalid that names every value which cannot work, and where it was set."""
    wrong = [
        f"{_origin(config, name)}: {name} {message}"
        for holds, name, message in _checks(config)
        if not holds
    ]
    for fault in faults(config.policy.rules):
        name, *beside = (f"policy.{each}" for each in (".".join(fault.names), *fault.beside))
        set_here = next((each for each in (name, *beside) if each in config.origins), name)
        wrong.append(f"{_origin(config, set_here)}: {name} {fault.message}")
    if wrong:
        raise ConfigInvalid("\n".join(wrong))


def _origin(config: Config, name: str) -> str:
    """Return where *name* was set, or the table it stands in."""
    while name not in config.origins and "." in name:
        name = name.rpartition(".")[0]
    return config.origins.get(name, DEFAULT)


def _checks(config: Config) -> Iterator[Check]:
    yield from _server_checks(config)
    yield from exposure_checks(config)
    scheme = SCHEME.match(config.store.url)
    yield bool(scheme), "store.url", "must be a URL such as sqlite:///contextd.db"
    behind = not config.store.archive or SCHEME.match(config.store.archive)
    yield bool(behind), "store.archive", 'must be a URL such as postgresql://host/contextd, or ""'
    yield (
        config.budget.reserved_output_tokens < config.budget.context_window_tokens,
        "budget.reserved_output_tokens",
        "must be less than budget.context_window_tokens",
    )
    yield from _summarizer_checks(config.summarizer)
    yield from _webhook_checks(config.webhooks)
    yield (
        config.watch.poll_seconds >= LEAST_POLL,
        "watch.poll_seconds",
        f"must be at least {LEAST_POLL}",
    )
    model = config.embedder.model
    holds = model in EMBEDDERS or model.removeprefix(LIBRARY) not in {"", model}
    yield holds, "embedder.model", f"must be one of {', '.join(EMBEDDERS)}, {LIBRARY}NAME"
    yield config.log.level in LOG_LEVELS, "log.level", f"must be one of {', '.join(LOG_LEVELS)}"
    for setting in describe(config):
        if not setting.name.startswith("policy.") or setting.name == "policy.reload_seconds":
            message = out_of_bounds(setting.name, setting.value)
            yield not message, setting.name, message


def _server_checks(config: Config) -> Iterator[Check]:
    server = config.server
    for name, value in (("listen", server.listen), ("ops", server.ops)):
        holds = not value or split_address(value) is not None
        yield holds, f"server.{name}", f"must be HOST:PORT, not {value!r}"
    yield bool(server.listen or server.socket), "server.listen", "may be empty only with a socket"
    yield (
        len(server.socket.encode()) <= LONGEST_SOCKET_PATH,
        "server.socket",
        f"must be at most {LONGEST_SOCKET_PATH} bytes long",
    )
    yield (
        0 < server.socket_mode <= HIGHEST_MODE,
        "server.socket_mode",
        "must be within 0o001..0o777",
    )
    yield (
        server.max_turn_bytes <= server.max_message_bytes,
        "server.max_turn_bytes",
        "must not exceed server.max_message_bytes",
    )


def _summarizer_checks(summarizer: SummarizerConfig) -> Iterator[Check]:
    kind, url = summarizer.kind, summarizer.url
    yield kind in SUMMARIZERS, "summarizer.kind", f"must be one of {', '.join(SUMMARIZERS)}"
    if kind == "none":
        return
    usable = re.fullmatch(r"https?://[^/\s@?#]+(?:/[^\s@?#]*)?", url)
    yield bool(usable), "summarizer.url", "must be http(s)://HOST[:PORT]/PATH, without a key"
    yield bool(summarizer.model), "summarizer.model", "must name a model"
    yield (
        not (summarizer.api_key_env and summarizer.api_key_file),
        "summarizer.api_key_file",
        "must be empty when summarizer.api_key_env is given",
    )


def _webhook_checks(webhooks: WebhooksConfig) -> Iterator[Check]:
    if webhooks.url:
        for key, message in _webhook_faults(webhooks):
            yield False, f"webhooks.{key}", message
    for tenant, each in webhooks.tenants.items():
        for key, message in _webhook_faults(each):
            yield False, "webhooks.tenants", f"of {tenant!r}: {key} {message}"


def _webhook_faults(target: WebhookConfig) -> Iterator[tuple[str, str]]:
    if not re.fullmatch(r"https?://[^/\s@?#]+(?:/[^\s@#]*)?", target.url):
        yield "url", "must be http(s)://HOST[:PORT]/PATH"
    if not target.secret_file:
        yield "secret_file", "must name a file: what is sent is signed"
