from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from grpc import StatusCode

from contextd.model import EscalateRequest, Reason, Role, SessionKey, Turn
from contextd.rpc import pages
from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as service
from contextd.v1 import session_service_pb2 as sessions
from tests.rpc.fakes import REF, FakeEngine, daemon, record_message, refused, trailers

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path


def test_a_turn_is_recorded(runner: asyncio.Runner, tmp_path: Path) -> None:
    """The acknowledgement says what the engine says."""

    async def scene() -> None:
        async with daemon(tmp_path / "s") as running:
            response = await running.context.RecordTurn(record_message(request_id="r"))
            assert (response.revision, response.first_sequence) == (2, 1)
            assert (response.token_counts, response.turn_ids) == ([5], ["u1"])
            assert (response.tier, response.durability) == (
                common.TIER_VERBATIM,
                common.DURABILITY_DISK,
            )
            assert running.engine.asked[0].turns == (Turn("u1", Role.USER, "Hello"),)

    runner.run(scene())


def test_a_handoff_is_returned(runner: asyncio.Runner, tmp_path: Path) -> None:
    """Escalate gives the typed handoff and its rendering."""

    async def scene() -> None:
        async with daemon(tmp_path / "s") as running:
            request = service.EscalateRequest(
                session=REF, reason=common.ESCALATION_REASON_LOW_CONFIDENCE, note="please"
            )
            response = await running.context.Escalate(request)
            assert (response.handoff.handoff_id, response.markdown) == ("h1", "# Handoff")
            assert running.engine.asked == [
                EscalateRequest(SessionKey("t", "c"), "", Reason.LOW_CONFIDENCE, "please")
            ]

    runner.run(scene())


def test_a_session_is_shown(runner: asyncio.Runner, tmp_path: Path) -> None:
    """Every field of the view has its value."""

    async def scene() -> None:
        async with daemon(tmp_path / "s") as running:
            response = await running.session.GetSession(sessions.GetSessionRequest(session=REF))
            present = {field.name for field, _ in response.session.ListFields()}
            assert present == set(response.session.DESCRIPTOR.fields_by_name)
            assert response.session.session.account_id == "a"
            assert response.session.handoff_state == common.HANDOFF_STATE_WAITING_HUMAN

    runner.run(scene())


def test_sessions_come_in_pages(runner: asyncio.Runner, tmp_path: Path) -> None:
    """Pages join to the whole list, and the last one has no token."""
    known = [(f"c{number}", number) for number in range(5)]

    async def scene() -> None:
        async with daemon(tmp_path / "s", FakeEngine(sessions=known)) as running:
            found: list[tuple[str, int]] = []
            sizes: list[int] = []
            token = ""
            while not sizes or token:
                page = await running.session.ListSessions(
                    sessions.ListSessionsRequest(tenant_id="t", page_size=2, page_token=token)
                )
                sizes.append(len(page.sessions))
                found += [(entry.conversation_id, entry.revision) for entry in page.sessions]
                token = page.next_page_token
            assert (found, sizes) == (known, [2, 2, 1])

    runner.run(scene())


@pytest.mark.parametrize(("length", "sizes"), [(10, [4, 1]), (2_000_000, [1, 1, 1, 1, 1])])
def test_turns_come_in_pages(
    runner: asyncio.Runner, tmp_path: Path, length: int, sizes: list[int]
) -> None:
    """Pages join to the whole session; large turns make short pages."""
    turns = [Turn(f"u{number}", Role.USER, "x" * length, sequence=number) for number in range(1, 6)]

    async def scene() -> None:
        async with daemon(tmp_path / "s", FakeEngine(turns=turns)) as running:
            found: list[str] = []
            seen: list[int] = []
            token = ""
            while not seen or token:
                page = await running.session.ListTurns(
                    sessions.ListTurnsRequest(session=REF, page_size=4, page_token=token),
                )
                seen.append(len(page.turns))
                found += [turn.turn_id for turn in page.turns]
                token = page.next_page_token
            assert (found, seen) == ([turn.turn_id for turn in turns], sizes)

    runner.run(scene())


def test_a_bad_token_is_refused(runner: asyncio.Runner, tmp_path: Path) -> None:
    """A token of another method or of nobody is a violation of its field."""

    async def scene() -> None:
        async with daemon(tmp_path / "s") as running:
            listing = sessions.ListSessionsRequest(tenant_id="t", page_token="?")
            error = await refused(running.session.ListSessions(listing))
            assert error.code() is StatusCode.INVALID_ARGUMENT
            assert trailers(error)["contextd-field"] == "page_token"
            turns = sessions.ListTurnsRequest(session=REF, page_token=pages.token("c1"))
            error = await refused(running.session.ListTurns(turns))
            assert trailers(error)["contextd-field"] == "page_token"
            assert running.engine.asked == []

    runner.run(scene())


def test_a_session_is_deleted(runner: asyncio.Runner, tmp_path: Path) -> None:
    """The counts of what was removed are returned."""

    async def scene() -> None:
        async with daemon(tmp_path / "s") as running:
            request = sessions.DeleteSessionRequest(session=REF)
            response = await running.session.DeleteSession(request)
            assert dict(response.counts) == {"turns": 2, "records": 3}
            assert running.engine.asked == [SessionKey("t", "c")]

    runner.run(scene())
