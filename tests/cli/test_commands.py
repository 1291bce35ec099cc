from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from contextd import __version__
from contextd.cli.check import surprises
from contextd.cli.commands import COMMANDS, GROUPS, HANDOFFS, SESSION, TOKEN
from contextd.config import Config, describe, load
from tests.cli.conftest import COMMAND

if TYPE_CHECKING:
    from tests.cli.conftest import Run

ROOT = Path(__file__).parents[2]


def dead_address() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        return f"127.0.0.1:{unused.getsockname()[1]}"


def test_version_says_what_runs(run: Run) -> None:
    """The version is there for people and for programs."""
    assert run("version").stdout.splitlines()[0] == f"contextd {__version__}"
    assert json.loads(run("version", "--json").stdout)["contextd"] == __version__


def test_every_command_is_listed_and_explained(run: Run) -> None:
    """`contextd --help` names the commands; an unknown one is exit 2."""
    listed = run("--help")
    assert listed.returncode == 0
    for name in ("serve", "demo", "replay", "check", "health", "session", "version"):
        assert f" {name} " in listed.stdout
    assert run("surve").returncode == 2


def test_health_of_a_dead_daemon_is_1(run: Run) -> None:
    """Nobody listening is a failed probe, said in one word."""
    answer = run("health", "--target", dead_address())
    assert (answer.returncode, answer.stdout) == (1, "UNREACHABLE\n")


def test_health_asks_where_the_environment_says(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """CONTEXTD_TARGET counts for the probe as for the other commands."""
    monkeypatch.setenv("CONTEXTD_TARGET", dead_address())
    told = json.loads(run("health", "--json").stdout)
    assert told["target"] == os.environ["CONTEXTD_TARGET"]


def test_health_loads_nothing_heavy() -> None:
    """A probe pays for the standard library and gRPC only."""
    code = (
        "import sys; sys.argv = ['contextd', 'health', '--target', sys.argv[1]]\n"
        "from contextd.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'typer', 'rich', 'numpy', 'tiktoken', 'msgspec', 'pydantic', 'apsw'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    arguments = [sys.executable, "-c", code, dead_address()]
    answer = subprocess.run(arguments, capture_output=True, check=True, cwd=ROOT, text=True)
    assert answer.stdout.splitlines()[-1] == "[]"


def test_a_bare_install_says_what_to_install() -> None:
    """Without the daemon's libraries the command names the extra."""
    answer = subprocess.run(
        [sys.executable, "-S", "-m", "contextd", "version"],
        capture_output=True,
        check=False,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        text=True,
    )
    assert answer.returncode == 1
    assert "pip install 'contextd[serve]'" in answer.stderr


def test_check_prints_every_effective_value(run: Run, tmp_path: Path) -> None:
    """A good file is exit 0; each value comes with its origin."""
    path = tmp_path / "good.toml"
    path.write_text('[store]\nurl = "sqlite:////var/lib/contextd/state.db"\n', encoding="utf-8")
    told = json.loads(run("check", "--config", path, "--json").stdout)
    assert told["ok"] is True
    assert told["warnings"] == []
    assert told["settings"]["store.url"]["origin"] == f"{path}:2"
    assert list(told["settings"]) == [each.name for each in describe(Config())]
    table = run("check", "--config", path)
    assert table.returncode == 0
    assert "server.listen" in table.stdout


def test_check_refuses_a_bad_file(run: Run, tmp_path: Path) -> None:
    """A wrong file is exit 2, with its line; so it is for `serve`."""
    path = tmp_path / "bad.toml"
    path.write_text("[server]\nlistn = 1\n", encoding="utf-8")
    for command in ("check", "serve"):
        answer = run(command, "--config", path)
        assert answer.returncode == 2
        assert f"{path}:2: unknown setting server.listn" in answer.stderr
    assert json.loads(run("check", "--config", path, "--json").stdout)["ok"] is False


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ('server.listen = "0.0.0.0:7070"\nserver.insecure = true', "without credentials"),
        ('server.listen = "0.0.0.0:7070"\nserver.insecure = true', "unencrypted"),
        ('server.ops = "0.0.0.0:7071"', "health and metrics, unencrypted"),
        ('auth.tokens = "/nowhere/tokens"', "cannot read /nowhere/tokens"),
        ('server.socket = "/run/c.sock"\nserver.socket_mode = 0o666', "every user"),
        ('store.url = "memory:"', "in memory only"),
        ('store.url = "sqlite:///contextd.db"', "depends on where the daemon starts"),
        ("budget.context_window_tokens = 5000", "904 tokens for the prompt"),
        ('tokenizers.files = {"llama-*" = "/nowhere.json"}', "no file /nowhere.json"),
    ],
)
def test_check_warns_of_what_may_surprise(tmp_path: Path, text: str, warning: str) -> None:
    """What works but is rarely meant is said."""
    path = tmp_path / "odd.toml"
    path.write_text(text, encoding="utf-8")
    assert any(warning in each for each in surprises(load({}, {}, path)))


def test_a_warning_is_no_error_unless_strict(run: Run, tmp_path: Path) -> None:
    """--strict is for pipelines."""
    path = tmp_path / "odd.toml"
    path.write_text('store.url = "memory:"', encoding="utf-8")
    answer = run("check", "--config", path, "--strict")
    assert answer.returncode == 1
    assert "warning: store.url keeps sessions in memory only" in answer.stderr


def test_check_names_damaged_files(tmp_path: Path) -> None:
    """Each that is not as it was shipped; exit 2, as a daemon would not start."""
    shutil.copytree(ROOT / "contextd", tmp_path / "contextd", copy_function=os.link)
    names = ("static/model.safetensors", "minilm/model.onnx")
    for file in (tmp_path / "contextd/embedders/data" / name for name in names):
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.unlink()  # it is a link to what is good
        file.write_bytes(content)
    (tmp_path / "contextd/tokenizers/data/o200k_base.tiktoken").unlink()

    def checked(*arguments: str, model: str) -> subprocess.CompletedProcess[str]:
        environ = {**os.environ, "CONTEXTD__EMBEDDER__MODEL": model, "PYTHONPATH": str(tmp_path)}
        command = [*COMMAND, "check", *arguments]
        return subprocess.run(
            command, capture_output=True, check=False, cwd=tmp_path, env=environ, text=True
        )

    answer = checked("--json", model="minilm")
    assert answer.returncode == 2
    problems = json.loads(answer.stdout)["problems"]
    assert len(problems) == 3
    for name in ("model.safetensors", "o200k_base.tiktoken", "model.onnx"):
        assert [each for each in problems if name in each], problems
    answer = checked(model="static")
    assert (answer.returncode, "model.safetensors" in answer.stderr) == (2, True)
    assert "model.onnx" not in answer.stderr, "nobody needs it"


def test_check_prints_the_example(run: Run) -> None:
    """`--defaults` writes the file that is in the repository."""
    example = (ROOT / "contextd.example.toml").read_text(encoding="utf-8")
    assert run("check", "--defaults").stdout == example


def test_without_a_daemon_the_error_says_what_to_do(run: Run) -> None:
    """A daemon that is not there is exit 1 and a hint, never a traceback."""
    answer = run("session", "show", "c", "--target", dead_address())
    assert answer.returncode == 1
    assert "contextd serve" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_the_manual_names_every_command() -> None:
    """docs/cli.md leaves no command out."""
    manual = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
    names = [*COMMANDS.keys() - GROUPS.keys(), *(f"session {name}" for name in SESSION)]
    names += [f"token {name}" for name in TOKEN]
    names += [f"handoffs {name}" for name in HANDOFFS]
    assert [name for name in sorted(names) if f"`contextd {name}`" not in manual] == []
