from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode

from contextd.model import (
    ChannelMode,
    CompleteRequest,
    DeferRequest,
    Ending,
    Role,
    SessionKey,
    Turn,
)
from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as context
from contextd.v1 import deferral_service_pb2 as service
from tests.rpc.fakes import REF, daemon, refused, trailers

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

MESSAGE = common.Turn(turn_id="u1", role=common.ROLE_USER, text="Hello")


def test_a_message_is_put_aside(runner: asyncio.Runner, tmp_path: Path) -> None:
    """The engine gets every field, and the answer says when it is due."""

    async def scene() -> None:
        async with daemon(tmp_path / "s") as running:
            response = await running.deferral.DeferTurn(
                service.DeferTurnRequest(
                    session=REF,
                    message=MESSAGE,
                    note="model down",
                    channel_mode=context.CHANNEL_MODE_ASYNC,
                    not_before=Timestamp(seconds=5),
                )
            )
            assert (response.deferral_id, response.due_at.seconds, response.revision) == (
                "d1",
                7,
                3,
            )
            assert running.engine.asked == [
                DeferRequest(
                    SessionKey("t", "c"),
                    "",
                    Turn("u1", Role.USER, "Hello"),
                    "model down",
                    ChannelMode.ASYNC,
                    5_000_000,
                )
            ]

    runner.run(scene())


def test_what_is_due_is_lent(runner: asyncio.Runner, tmp_path: Path) -> None:
    """Everything a worker needs to answer it, and to say that it has."""

    async def scene() -> None:
        async with daemon(tmp_path / "s") as running:
            response = await running.deferral.LeaseDeferredTurns(
                service.LeaseDeferredTurnsRequest(tenant_id="t")
            )
            (lent,) = response.turns
            present = {field.name for field, _ in lent.ListFields()}
            assert present == set(lent.DESCRIPTOR.fields_by_name)
            assert (lent.session.account_id, lent.message.text) == ("a", "Hello")
            assert running.engine.asked == [("t", 10, 60)]

    runner.run(scene())


def test_what_was_lent_comes_back(runner: asyncio.Runner, tmp_path: Path) -> None:
    """The engine gets every field, and the answer says what became of it."""

    async def scene() -> None:
        async with daemon(tmp_path / "s") as running:
            response = await running.deferral.CompleteDeferredTurn(
                service.CompleteDeferredTurnRequest(
                    session=REF,
                    deferral_id="d1",
                    lease_token="lease",
                    outcome=service.DEFERRAL_OUTCOME_RETRY,
                    error="slow",
                )
            )
            assert (response.state, response.due_at.seconds) == (service.DEFERRAL_STATE_WAITING, 8)
            (asked,) = running.engine.asked
            assert asked.digest, "the lease stands for a request id: a retry can be told"
            assert replace(asked, digest="") == CompleteRequest(
                SessionKey("t", "c"), "", "d1", "lease", Ending.RETRY, error="slow"
            )

    runner.run(scene())


@pytest.mark.parametrize(
    ("method", "request_", "field"),
    [
        ("DeferTurn", service.DeferTurnRequest(), "session"),
        (
            "DeferTurn",
            service.DeferTurnRequest(session=REF, message=common.Turn(role=common.ROLE_ASSISTANT)),
            "message.role",
        ),
        ("DeferTurn", service.DeferTurnRequest(session=REF, note="x" * 4_097), "note"),
        (
            "DeferTurn",
            service.DeferTurnRequest(session=REF, not_before=Timestamp(nanos=-1)),
            "not_before",
        ),
        ("LeaseDeferredTurns", service.LeaseDeferredTurnsRequest(), "tenant_id"),
        (
            "LeaseDeferredTurns",
            service.LeaseDeferredTurnsRequest(tenant_id="t", max_turns=101),
            "max_turns",
        ),
        (
            "LeaseDeferredTurns",
            service.LeaseDeferredTurnsRequest(tenant_id="t", lease_seconds=-1),
            "lease_seconds",
        ),
        (
            "CompleteDeferredTurn",
            service.CompleteDeferredTurnRequest(
                session=REF, lease_token="l", outcome=service.DEFERRAL_OUTCOME_DONE
            ),
            "deferral_id",
        ),
        (
            "CompleteDeferredTurn",
            service.CompleteDeferredTurnRequest(
                session=REF, deferral_id="d", outcome=service.DEFERRAL_OUTCOME_DONE
            ),
            "lease_token",
        ),
        (
            "CompleteDeferredTurn",
            service.CompleteDeferredTurnRequest(session=REF, deferral_id="d", lease_token="l"),
            "outcome",
        ),
        (
            "CompleteDeferredTurn",
            service.CompleteDeferredTurnRequest(
                session=REF,
                deferral_id="d",
                lease_token="l",
                outcome=service.DEFERRAL_OUTCOME_RETRY,
                turns=[MESSAGE],
            ),
            "turns",
        ),
    ],
)
def test_bad_requests_name_their_field(
    runner: asyncio.Runner, tmp_path: Path, method: str, request_: object, field: str
) -> None:
    """Nothing is asked of the engine."""

    async def scene() -> None:
        async with daemon(tmp_path / "s") as running:
            error = await refused(getattr(running.deferral, method)(request_))
            assert error.code() is StatusCode.INVALID_ARGUMENT
            assert trailers(error)["contextd-field"] == field
            assert not running.engine.asked

    runner.run(scene())
