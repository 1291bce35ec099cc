"""The settings of a model that writes summaries, and what `contextd check` says of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from contextd.cli.check import surprises
from contextd.config import Config, SummarizerConfig, api_key, describe, load
from contextd.errors import ConfigInvalid

if TYPE_CHECKING:
    from pathlib import Path

KEY = "sk-very-secret"


def loaded(folder: Path, **settings: str) -> Config:
    """Load a file with these settings beside a URL and a model."""
    given = {"kind": "openai", "url": "http://127.0.0.1:8080/v1", "model": "m"} | settings
    path = folder / "contextd.toml"
    lines = [f'{name} = "{value}"' for name, value in given.items()]
    path.write_text("\n".join(["[summarizer]", *lines]), encoding="utf-8")
    return load({}, {}, path)


def warned(config: Config) -> list[str]:
    """Return what the check says of the model."""
    return [each for each in surprises(config) if each.startswith("summarizer")]


def test_no_model_is_asked_by_default() -> None:
    """Nothing leaves the daemon unless somebody said so, and nothing is said about it."""
    assert Config().summarizer.kind == "none"
    assert warned(Config()) == []


@pytest.mark.parametrize(
    ("settings", "setting"),
    [
        ({"kind": "ollama"}, "summarizer.kind must be one of none, openai"),
        ({"url": ""}, "summarizer.url must be http"),
        ({"url": "ftp://host/v1"}, "summarizer.url must be http"),
        ({"url": f"https://user:{KEY}@host/v1"}, "summarizer.url must be http"),
        ({"url": f"https://host/v1?key={KEY}"}, "summarizer.url must be http"),
        ({"model": ""}, "summarizer.model must name a model"),
        ({"api_key_env": "A", "api_key_file": "b"}, "summarizer.api_key_file must be empty"),
    ],
)
def test_what_cannot_work_is_refused(
    tmp_path: Path, settings: dict[str, str], setting: str
) -> None:
    """The message names the setting, and quotes no key out of a URL."""
    with pytest.raises(ConfigInvalid, match=re.escape(setting)) as caught:
        loaded(tmp_path, **settings)
    assert KEY not in str(caught.value)


def test_the_key_comes_from_its_variable_or_its_file(tmp_path: Path) -> None:
    """Without white space around it; and no setting holds it."""
    (tmp_path / "key").write_text(f" {KEY}\n", encoding="utf-8")
    by_file = loaded(tmp_path, api_key_file=str(tmp_path / "key"))
    assert api_key(by_file.summarizer, {}) == KEY
    by_variable = loaded(tmp_path, api_key_env="MODEL_KEY")
    assert api_key(by_variable.summarizer, {"MODEL_KEY": KEY}) == KEY
    assert api_key(SummarizerConfig(), {"MODEL_KEY": KEY}) == ""
    assert not any(KEY in each.text for each in describe(by_file))


@pytest.mark.parametrize("settings", [{"api_key_env": "GONE"}, {"api_key_file": "/no/such/file"}])
def test_a_key_that_is_not_there_is_missed(tmp_path: Path, settings: dict[str, str]) -> None:
    """The daemon does not start, and the check says where it looked."""
    config = loaded(tmp_path, **settings)
    with pytest.raises(ConfigInvalid, match="holds no API key"):
        api_key(config.summarizer, {})
    assert any("holds no API key" in each for each in warned(config))


@pytest.mark.parametrize(
    ("url", "warning"),
    [
        ("http://127.0.0.1:8080/v1", ""),
        ("https://api.example.org/v1", "are sent to api.example.org"),
        ("http://10.0.0.7:8000/v1", "are sent to 10.0.0.7, unencrypted"),
        ("http://localhost:11434", "want it to end in /v1"),
    ],
)
def test_the_check_says_where_conversations_go(tmp_path: Path, url: str, warning: str) -> None:
    """A model on this machine is no surprise; another machine, or a URL without path, is."""
    found = warned(loaded(tmp_path, url=url))
    assert (found == []) == (warning == "")
    assert any(warning in each for each in found) or not warning
