"""`contextd account`: what is known, confirmed and forgotten, from a shell."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import grpc
import pytest

from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as service
from contextd.v1.context_service_pb2_grpc import ContextServiceStub
from tests.cli.conftest import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Run


@pytest.fixture(scope="module")
def target() -> Iterator[str]:
    """A daemon with one conversation of the account "olena"."""
    with served("--store", "memory:") as daemon:
        ref = common.SessionRef(tenant_id="default", conversation_id="c-1", account_id="olena")
        said = common.Turn(role="ROLE_USER", text="My lamp flickers. I am on the Pro plan.")
        with grpc.insecure_channel(daemon.target) as channel:
            request = service.RecordTurnRequest(session=ref, turns=[said])
            ContextServiceStub(channel).RecordTurn(request, timeout=10)
        yield daemon.target


def test_an_account_from_beginning_to_end(run: Run, target: str) -> None:
    """Facts are set, shown, removed; chats suggest; at the end nothing is left."""
    at = ("--target", target)
    answer = run(
        "account", "set", "olena", "language=German", "seat=aisle [12]", *at,
        *("--type", "preference", "--source", "crm", "--expires", "2990-01-31"),
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert "aisle [12]" in answer.stdout
    assert "2990-01-31" in answer.stdout

    shown = run("account", "show", "olena", "--candidates", *at)
    for text in ("language", "preference", "German", "crm", "c-1", "Pro"):
        assert text in shown.stdout, shown
    found = json.loads(run("account", "show", "olena", "--candidates", "--json", *at).stdout)
    assert [fact["key"] for fact in found["account"]["facts"]] == ["language", "seat"]
    assert found["candidates"][0]["value"] == "Pro"

    answer = run("account", "set", "olena", "plan=pro", "--remove", "seat", "--json", *at)
    facts = json.loads(answer.stdout)["account"]["facts"]
    assert [(fact["key"], fact["value"]) for fact in facts] == [
        ("language", "German"),
        ("plan", "pro"),
    ]

    assert run("account", "forget", "olena", *at).returncode == 1  # nobody to say yes
    assert "1 sessions" in run("account", "forget", "olena", "--yes", *at).stdout
    again = run("account", "forget", "olena", "--yes", "--json", *at)
    assert not any(json.loads(again.stdout)["forgotten"].values())
    assert "nothing was known" in run("account", "forget", "olena", "--yes", *at).stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("language",), 2, "KEY=VALUE"),
        (("a=1", "--type", "wish"), 2, "preference, attribute, permission"),
        (("a=1", "--expires", "soon"), 2, "2030-12-31"),
        (("Bad Key=1",), 1, "facts[0].key"),
        ((), 1, "facts"),
    ],
)
def test_what_cannot_be_set_is_explained(
    run: Run, target: str, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """The message says what to write instead."""
    answer = run("account", "set", "olena", *arguments, "--target", target)
    assert answer.returncode == code
    assert words in answer.stderr
