from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

from contextd.auth.tokens import digest_of, read_tokens
from contextd.rpc.servicer import METHODS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run


def test_a_token_is_shown_once_with_its_line(run: Run) -> None:
    """The token goes to standard output alone, the line beside it, without the token."""
    answer = run("token", "new", "--tenant", "acme", "--tenant", "bolt", "--method", "GetSession")
    assert answer.returncode == 0, answer.stderr
    token = answer.stdout.strip()
    assert token.startswith("ctxd_")
    assert len(token) >= 48
    line = answer.stderr.strip().splitlines()[-1]
    assert token not in answer.stderr
    known = read_tokens(line, METHODS)[digest_of(token)]
    assert known.principal.tenants == frozenset({"acme", "bolt"})
    assert known.principal.methods == frozenset({"GetSession"})


def test_a_line_can_be_appended(run: Run, tmp_path: Path) -> None:
    """To a file that only its owner reads; a last line without its end is not spoiled."""
    path = tmp_path / "tokens"
    first = run("token", "new", "--tenant", "*", "--days", "3", "--append", path, "--json")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text(path.read_text(encoding="utf-8").rstrip("\n"), encoding="utf-8")
    second = run("token", "new", "--tenant", "acme", "--append", path)
    tokens = read_tokens(path.read_text(encoding="utf-8"), METHODS)
    operator = tokens[digest_of(json.loads(first.stdout)["token"])]
    assert operator.principal.tenants is None
    assert operator.until < float("inf")
    assert tokens[digest_of(second.stdout.strip())].until == float("inf")
    assert "sha256" not in second.stderr


def test_two_tokens_are_never_the_same(run: Run) -> None:
    """They are made of chance."""
    made = {run("token", "new", "--tenant", "acme").stdout for _ in range(3)}
    assert len(made) == 3


def test_what_no_file_would_accept_is_refused(run: Run) -> None:
    """Exit 2 and the reason, before a token is shown."""
    for wrong in (
        ["--tenant", "*", "--tenant", "acme"],
        ["--tenant", "acme", "--method", "Forget"],
        [],
    ):
        answer = run("token", "new", *wrong)
        assert (answer.returncode, answer.stdout) == (2, "")
        assert answer.stderr
