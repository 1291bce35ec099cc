"""What must hold between settings before the daemon starts."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from contextd.config.exposure import exposure_checks, split_address
from contextd.config.settings import DEFAULT, Config, Setting, SummarizerConfig, describe
from contextd.errors import ConfigInvalid
from contextd.policy.reading.patterns import PatternUnsafe, compiled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contextd.policy.rules import Rules

    Check = tuple[bool, str, str]  # does it hold, the setting, what it must be

EMBEDDERS = ("minilm", "static")
LIBRARY = "sentence-transformers:"
LOG_LEVELS = ("debug", "info", "warning", "error")
HIGHEST_MODE = 0o777
LONGEST_SOCKET_PATH = 100  # the kernel takes 107 bytes; the lock file needs a suffix
MOST = 1 << 40
SHARES = ("policy.tiers.", "share", "min_gain", "confidence", "recommend_from")
AT_LEAST_ONE = (
    *(
        "_bytes",
        "_mib",
        "concurrency",
        "computing",
        "window_tokens",
        "_exchanges",
        "passage_words",
        "_passages",
    ),
    *("summarizer.timeout_seconds", "breaker_failures", "input_tokens"),
)
SUMMARIZERS = ("none", "openai")


def verify(config: Config) -> None:
    """Raise ConfigInvalid that names every value which cannot work, and where it was set."""
    wrong = [
        f"{config.origins.get(name, DEFAULT)}: {name} {message}"
        for holds, name, message in _checks(config)
        if not holds
    ]
    if wrong:
        raise ConfigInvalid("\n".join(wrong))


def _checks(config: Config) -> Iterator[Check]:
    yield from _server_checks(config)
    yield from exposure_checks(config)
    scheme = re.match(r"[a-z][a-z0-9+.-]*:", config.store.url)
    yield bool(scheme), "store.url", "must be a URL such as sqlite:///contextd.db"
    yield (
        config.budget.reserved_output_tokens < config.budget.context_window_tokens,
        "budget.reserved_output_tokens",
        "must be less than budget.context_window_tokens",
    )
    yield from _summarizer_checks(config.summarizer)
    model = config.embedder.model
    holds = model in EMBEDDERS or model.removeprefix(LIBRARY) not in {"", model}
    yield holds, "embedder.model", f"must be one of {', '.join(EMBEDDERS)}, {LIBRARY}NAME"
    yield config.log.level in LOG_LEVELS, "log.level", f"must be one of {', '.join(LOG_LEVELS)}"
    yield from _policy_checks(config.policy)
    for setting in describe(config):
        yield from _range_checks(setting)


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


def _pattern_checks(rules: Rules) -> Iterator[Check]:
    """What a tenant's patterns and those of all tenants may be together."""
    for tenant in rules.ids.patterns:
        try:
            compiled(rules.ids.of(tenant))
        except PatternUnsafe as error:
            yield False, "policy.ids.patterns", f"of {tenant!r}: {error}"


def _policy_checks(rules: Rules) -> Iterator[Check]:
    yield from _pattern_checks(rules)
    tiers, window = rules.tiers, rules.window
    yield tiers.low_water > 0, "policy.tiers.low_water", "must be above 0"
    yield tiers.notice < 1, "policy.tiers.notice", "must be below 1"
    for lower, upper in itertools.pairwise(("low_water", "summary", "key_facts", "notice")):
        least, value = getattr(tiers, lower), getattr(tiers, upper)
        message = f"must be above policy.tiers.{lower} ({least:g}), not {value:g}"
        yield least < value, f"policy.tiers.{upper}", message
    room = tiers.summary - tiers.low_water
    for name in ("prepare_margin", "hysteresis"):
        holds = getattr(tiers, name) < room
        yield holds, f"policy.tiers.{name}", f"must be less than summary - low_water ({room:g})"
    hours = rules.resumption.after_hours
    message = "must be at least 1, or 0 for never"
    yield hours == 0 or hours >= 1, "policy.resumption.after_hours", message
    yield (
        window.min_exchanges <= window.max_exchanges,
        "policy.window.min_exchanges",
        "must not exceed policy.window.max_exchanges",
    )


def _range_checks(setting: Setting) -> Iterator[Check]:
    """Numbers are shares or amounts by their name; amounts that nothing runs without start at 1."""
    name, value = setting.name, setting.value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return
    most = 1 if any(part in name for part in SHARES) else MOST
    least = 1 if name.endswith(AT_LEAST_ONE) else 0
    if name.endswith("min_score"):
        least = -MOST  # scores are z-values, of either sign
    yield least <= value <= most, name, f"must be within {least:g}..{most:g}, not {value:g}"
