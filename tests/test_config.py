from __future__ import annotations

import re
from pathlib import Path

import pytest

from contextd.config import Config, describe, example, hide_secrets, load, split_address, verify
from contextd.config.settings import leaves
from contextd.errors import ConfigInvalid
from contextd.policy.rules import Rules

ROOT = Path(__file__).parents[1]


def written(folder: Path, text: str) -> Path:
    """A configuration file with *text*."""
    path = folder / "contextd.toml"
    path.write_text(text, encoding="utf-8")
    return path


def origins(config: Config) -> dict[str, str]:
    """Where each setting that was set came from."""
    return {each.name: each.origin for each in describe(config) if each.origin != "default"}


def test_without_any_source_the_defaults_hold(tmp_path: Path) -> None:
    """Nothing set gives exactly `Config()`."""
    config = load({}, {}, written(tmp_path, ""))
    assert config == Config()
    assert origins(config) == {}


def test_a_flag_beats_a_variable_beats_the_file_beats_the_default(tmp_path: Path) -> None:
    """Each setting comes from the strongest source that gives it, and says which."""
    path = written(
        tmp_path,
        '[server]\nlisten = "localhost:1"\nops = "localhost:1"\nqueue = 1\n'
        '[log]\nlevel = "error"\n',
    )
    environ = {"CONTEXTD__SERVER__LISTEN": "localhost:2", "CONTEXTD__SERVER__OPS": "localhost:2"}
    config = load({"server.listen": "localhost:3", "log.level": None}, environ, path)
    assert (config.server.listen, config.server.ops, config.server.queue) == (
        "localhost:3",
        "localhost:2",
        1,
    )
    assert config.server.concurrency == Config().server.concurrency
    assert origins(config) == {
        "server.listen": "--listen",
        "server.ops": "CONTEXTD__SERVER__OPS",
        "server.queue": f"{path}:4",
        "log.level": f"{path}:6",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[server]\nlistn = "h:1"', ":2: unknown setting server.listn (did you mean server.lis"),
        ("server.queeu = 1", ":1: unknown setting server.queeu (did you mean server.queue?)"),
        ("\n\n[polcy.tiers]\nsummary = 0.5", ":4: unknown setting polcy.tiers.summary"),
        ("[nothing]\n", ":1: unknown setting nothing"),
        ("server = 3", ":1: server is a table of settings, not a value"),
        ('[server]\n\n# note\nqueue = "12"', ":4: server.queue: Expected `int`, got `str`"),
        ("[log]\njson = 1", ":2: log.json: Expected `bool`, got `int`"),
        ("store = {url = 3}", ":1: store.url: Expected `str`, got `int`"),
        ("[server\nqueue = 1", ":1: not TOML"),
        ("[policy.tiers]\nsummary = 0.3", ":2: policy.tiers.summary must be above tiers.low_w"),
        (
            "[policy.ids.patterns]\nmeter = 'METER\\d+'",
            ":1: policy.ids.patterns.meter cannot be used: a repetition needs an end",
        ),
        ("[policy.tiers]\nnotice = 1.1", ":2: policy.tiers.notice must be within 0..1, not 1.1"),
        ("[policy.tiers]\nsummary = 0.9", ":2: policy.tiers.key_facts must be above tiers.summary"),
        ("[policy.tiers]\nhysteresis = 0.3", ":2: policy.tiers.hysteresis must be less than"),
        ("[server]\nmax_turn_bytes = 99999999", ":2: server.max_turn_bytes must not exceed"),
        ('[server]\nlisten = "7070"', ":2: server.listen must be HOST:PORT, not '7070'"),
        ('[server]\nlisten = ""', ":2: server.listen may be empty only with a socket"),
        ("[server]\nconcurrency = 0", ":2: server.concurrency must be within 1.."),
        ("[server]\nsocket_mode = 0o7777", ":2: server.socket_mode must be within"),
        ('[log]\nlevel = "loud"', ":2: log.level must be one of debug, info"),
        ('[store]\nurl = "contextd.db"', ":2: store.url must be a URL"),
        ("[budget]\nreserved_output_tokens = 40000", ":2: budget.reserved_output_tokens must be"),
        ('[embedder]\nmodel = "mini"', ":2: embedder.model must be one of minilm, static"),
        ("[embedder]\ndeadline_share = 1.5", ":2: embedder.deadline_share must be within 0..1"),
        ("[embedder]\nbatch_passages = 0", ":2: embedder.batch_passages must be within 1.."),
        ("[policy.window]\nmin_exchanges = 20", ":2: policy.window.min_exchanges must not exceed"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    """A wrong key or value in a file is reported as FILE:LINE."""
    path = written(tmp_path, text)
    with pytest.raises(ConfigInvalid) as caught:
        load({}, {}, path)
    assert f"{path}{message}" in str(caught.value)


def test_what_is_wrong_is_named_with_its_flag() -> None:
    """A wrong value on the command line is reported under the flag that was typed."""
    with pytest.raises(ConfigInvalid, match=r"^--log-level: log\.level must be one of"):
        load({"log.level": "loud"}, {})


def test_a_missing_file_is_named_once(tmp_path: Path) -> None:
    """A file that was asked for and is not there is said in plain words."""
    path = tmp_path / "absent.toml"
    with pytest.raises(ConfigInvalid) as caught:
        load({}, {}, path)
    assert str(caught.value) == f"{path}: cannot be read: No such file or directory"


def test_every_mistake_is_reported_at_once(tmp_path: Path) -> None:
    """One run tells all that must be mended."""
    path = written(tmp_path, "[server]\nlistn = 1\nqueue = true\n[stor]\nurl = 1\n")
    with pytest.raises(ConfigInvalid) as caught:
        load({}, {}, path)
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("CONTEXTD__SERVER__LISTN", "h:1", "unknown setting server.listn"),
        ("CONTEXTD__SERVER", "h:1", "server is a table"),
        ("CONTEXTD__SERVER__QUEUE", "many", "server.queue: invalid literal"),
        ("CONTEXTD__LOG__JSON", "perhaps", "log.json: Expected `bool`"),
        ("CONTEXTD__TOKENIZERS__FILES", "{", "tokenizers.files: "),
        ("CONTEXTD__POLICY__TIERS__NOTICE", "0.5", "policy.tiers.notice must be above"),
    ],
)
def test_a_wrong_variable_is_named(tmp_path: Path, name: str, value: str, message: str) -> None:
    """A variable that is unknown or unreadable is refused by its name."""
    with pytest.raises(ConfigInvalid) as caught:
        load({}, {name: value}, written(tmp_path, ""))
    assert f"{name}: {message}" in str(caught.value)


def test_variables_are_text_that_becomes_what_the_setting_is(tmp_path: Path) -> None:
    """Numbers, booleans, modes and tables can be set by variables."""
    environ = {
        "CONTEXTD__SERVER__SOCKET_MODE": "0o600",
        "CONTEXTD__SERVER__DRAIN_SECONDS": "2.5",
        "CONTEXTD__LOG__JSON": "true",
        "CONTEXTD__TOKENIZERS__FILES": '{"llama-*": "llama.json"}',
        "CONTEXTD_OTHER": "not ours",
    }
    config = load({}, environ, written(tmp_path, ""))
    assert config.server.socket_mode == 0o600
    assert config.server.drain_seconds == 2.5
    assert config.log.json is True
    assert config.tokenizers.files == {"llama-*": "llama.json"}


def test_the_file_is_found_by_argument_variable_or_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--config` beats CONTEXTD_CONFIG beats ./contextd.toml."""
    here, named, given = tmp_path / "contextd.toml", tmp_path / "b.toml", tmp_path / "c.toml"
    for number, path in enumerate((here, named, given), start=1):
        path.write_text(f"server.queue = {number}", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    environ = {"CONTEXTD_CONFIG": str(named)}
    found = [load({}, {}), load({}, environ), load({}, environ, given)]
    assert [config.server.queue for config in found] == [1, 2, 3]


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    """A missing file is an error, not a silent default."""
    with pytest.raises(ConfigInvalid, match="cannot be read"):
        load({}, {"CONTEXTD_CONFIG": str(tmp_path / "no.toml")})


def test_a_quoted_pattern_keeps_its_dots(tmp_path: Path) -> None:
    """A table of patterns is one setting, whatever its keys hold."""
    path = written(tmp_path, '[tokenizers.files]\n"llama-3.1-*" = "a.json"\n')
    assert load({}, {}, path).tokenizers.files == {"llama-3.1-*": "a.json"}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://user:secret@host:6379/0", "redis://user:***@host:6379/0"),
        ("redis://:secret@host", "redis://:***@host"),
        ("rediss://:p@ss:w0rd/x@host/0", "rediss://:***@host/0"),
        ("postgresql://u@host/db?password=secret&x=1", "postgresql://u@host/db?password=***&x=1"),
        ("sqlite:///contextd.db", "sqlite:///contextd.db"),
    ],
)
def test_secrets_are_not_shown(url: str, shown: str) -> None:
    """A password in a URL never reaches a screen or a log."""
    assert hide_secrets(url) == shown


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("127.0.0.1:7070", ("127.0.0.1", 7070)),
        ("[::1]:0", ("::1", 0)),
        ("localhost:65535", ("localhost", 65535)),
        ("localhost:65536", None),
        ("localhost", None),
        (":7070", None),
        ("a b:1", None),
    ],
)
def test_addresses_are_host_and_port(address: str, parts: tuple[str, int] | None) -> None:
    """HOST:PORT is read, anything else is not."""
    assert split_address(address) == parts


def test_the_example_is_up_to_date() -> None:
    """contextd.example.toml is what `contextd check --defaults` prints."""
    assert (ROOT / "contextd.example.toml").read_text(encoding="utf-8") == example()


def test_the_example_holds_every_setting_at_its_default(tmp_path: Path) -> None:
    """Taking the comment signs off sets every setting, and changes nothing."""
    set_lines = re.sub(r"^# (\w+ = )", r"\1", example(), flags=re.MULTILINE)
    config = load({}, {}, written(tmp_path, set_lines))
    assert config == Config()
    assert set(config.origins) == {each.name for each in describe(Config())}


def test_the_manual_names_every_setting() -> None:
    """docs/configuration.md leaves no setting out, but for the rules, which have their own page."""
    text = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    rules = {f"policy.{name}" for name, _, _ in leaves(Rules())}
    told = [each.name for each in describe(Config()) if each.name not in rules]
    assert [name for name in told if f"`{name}`" not in text] == []


def test_the_policy_file_can_be_named_by_a_short_variable(tmp_path: Path) -> None:
    """`CONTEXTD_POLICY__FILE` counts, and that of the scheme goes before it."""
    here = written(tmp_path, "")
    short = {"CONTEXTD_POLICY__FILE": "a.toml"}
    assert load({}, short, here).policy.file == "a.toml"
    both = short | {"CONTEXTD__POLICY__FILE": "b.toml"}
    assert load({}, both, here).policy.file == "b.toml"


def test_the_defaults_pass_their_own_checks() -> None:
    """A daemon without configuration starts."""
    verify(Config())
