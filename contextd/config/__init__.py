"""What an operator can set, where it may be set, and what must hold.

`load` merges flags over `CONTEXTD__SECTION__KEY` variables over a TOML file over the
defaults.  Every setting has one dotted name ("server.listen"); merging, messages and
`describe` work on these names, so nothing here repeats the nesting of `Config`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.config.checks import verify
from contextd.config.example import example
from contextd.config.exposure import is_loopback, split_address
from contextd.config.policy_file import PolicyFile, load_policies, read_policies
from contextd.config.policy_schema import policy_schema
from contextd.config.secrets import api_key
from contextd.config.settings import (
    AuthConfig,
    BudgetConfig,
    Config,
    LimitsConfig,
    LogConfig,
    PolicyConfig,
    ServerConfig,
    SessionsConfig,
    Setting,
    StoreConfig,
    SummarizerConfig,
    TlsConfig,
    TokenizersConfig,
    describe,
    hide_secrets,
)
from contextd.config.sources import gather, merge

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = [
    "AuthConfig",
    "BudgetConfig",
    "Config",
    "LimitsConfig",
    "LogConfig",
    "PolicyConfig",
    "PolicyFile",
    "ServerConfig",
    "SessionsConfig",
    "Setting",
    "StoreConfig",
    "SummarizerConfig",
    "TlsConfig",
    "TokenizersConfig",
    "api_key",
    "describe",
    "example",
    "hide_secrets",
    "is_loopback",
    "load",
    "load_policies",
    "policy_schema",
    "read_policies",
    "split_address",
    "verify",
]


def load(
    flags: Mapping[str, object], environ: Mapping[str, str], path: Path | None = None
) -> Config:
    """Return the configuration that these sources give together.

    *flags* maps dotted names to values and wins; None stands for a flag not given.  The
    file is *path*, else `CONTEXTD_CONFIG`, else `contextd.toml` if there is one.

    Raises:
        ConfigInvalid: naming every wrong key or value and where it was set.
    """
    config = merge(gather(flags, environ, path))
    verify(config)
    return config
