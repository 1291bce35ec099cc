"""Keys: named by the configuration, read when the daemon starts, never shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from contextd.errors import ConfigInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contextd.config.settings import SummarizerConfig


def api_key(settings: SummarizerConfig, environ: Mapping[str, str]) -> str:
    """Return the key of the model's endpoint, "" when none is configured.

    Raises:
        ConfigInvalid: the variable or the file that was named holds none.
    """
    key = ""
    if settings.api_key_env:
        key = environ.get(settings.api_key_env, "").strip()
    elif settings.api_key_file:
        try:
            key = Path(settings.api_key_file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            key = ""
    else:
        return ""
    if not key:
        raise ConfigInvalid(f"summarizer: {_place(settings)} holds no API key")
    return key


def _place(settings: SummarizerConfig) -> str:
    if settings.api_key_env:
        return f"the variable {settings.api_key_env}"
    return f"the file {settings.api_key_file}"
