from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from contextd.auth.tokens import digest_of, line_for, read_tokens
from contextd.errors import ConfigInvalid
from contextd.rpc.servicer import METHODS

SECRET = "ctxd_not-to-be-shown"
SHA = hashlib.sha256(SECRET.encode()).hexdigest()


def line(**changes: Any) -> str:
    """Return a line that is acceptable, with *changes*."""
    return json.dumps({"name": "n", "sha256": SHA, "tenants": ["acme"]} | changes)


def test_a_line_lets_its_token_in() -> None:
    """What `line_for` writes is what `read_tokens` reads; the token is not in it."""
    written = line_for(SECRET, "front", ["acme", "bolt"], methods=["GetSession"])
    assert SECRET not in written
    token = read_tokens(f"# comment\n\n{written}\n", METHODS)[digest_of(SECRET)]
    assert token.principal.name == "front"
    assert token.principal.tenants == frozenset({"acme", "bolt"})
    assert token.principal.methods == frozenset({"GetSession"})
    assert token.until == float("inf")


def test_a_token_may_be_for_all_tenants_and_end() -> None:
    """["*"] is every tenant; `expires` is a time with its zone."""
    text = line(tenants=["*"], expires="2027-01-31T00:00:00Z")
    token = read_tokens(text, METHODS)[digest_of(SECRET)]
    assert token.principal.tenants is None
    assert token.principal.methods is None
    assert token.until == 1_801_353_600


@pytest.mark.parametrize("text", ["", "# nobody\n", "\n"])
def test_a_file_for_nobody_is_refused(text: str) -> None:
    """It would lock everybody out, and is what a file is while it is being written."""
    with pytest.raises(ConfigInvalid, match="holds no token"):
        read_tokens(text, METHODS)


@pytest.mark.parametrize(
    "bad",
    [
        SECRET,
        "[]",
        '{"name": "n"}',
        line(extra=1),
        line(sha256=SHA.upper()),
        line(sha256=SECRET),
        line(tenants=[]),
        line(tenants="acme"),
        line(tenants=["", "acme"]),
        line(tenants=["*", "acme"]),
        line(methods=["Forget"]),
        line(expires="2027-01-31T00:00:00"),
        line(expires="soon"),
        f"{line()}\n{line()}",
    ],
)
def test_a_bad_line_is_named_and_not_quoted(bad: str) -> None:
    """The error says which line and what is wrong; a token put there by mistake stays secret."""
    with pytest.raises(ConfigInvalid, match=r"^line [23]: ") as error:
        read_tokens(f"# first\n{bad}", METHODS)
    assert SECRET not in str(error.value)
    assert SHA not in str(error.value)
