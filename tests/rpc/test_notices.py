from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from grpc import StatusCode

from contextd.model import Job, NoticeState, Queue
from contextd.v1 import handoff_service_pb2 as pb
from tests.rpc.fakes import FakeEngine, daemon, refused, trailers

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

DEAD = Job(Queue.WEBHOOK, "h:2", "t", "c", 9_000_000, 8, "lease", 0, dead=True, error="HTTP 500")
LATER = Job(Queue.WEBHOOK, "h:3", "t", "c", 9_000_000, 8, "lease", 0, dead=True, error="HTTP 500")


def test_notices_come_page_by_page(runner: asyncio.Runner, tmp_path: Path) -> None:
    """With every field that the contract has; what is asked for nothing else are those given up."""

    async def scene() -> None:
        async with daemon(tmp_path / "s", FakeEngine(jobs=(DEAD, LATER))) as running:
            found = []
            request = pb.ListNoticesRequest(tenant_id="t", page_size=1)
            while True:
                page = await running.handoffs.ListNotices(request)
                found += page.notices
                request.page_token = page.next_page_token
                if not request.page_token:
                    break
            assert [each.notice_id for each in found] == ["h:2", "h:3"]
            present = {field.name for field, _ in found[0].ListFields()}
            assert present == set(pb.Notice.DESCRIPTOR.fields_by_name)
            assert (found[0].handoff_id, found[0].state) == ("h", pb.NOTICE_STATE_DEAD)
            assert running.engine.asked == [
                ("t", NoticeState.DEAD, "", 2),
                ("t", NoticeState.DEAD, "h:2", 2),
            ]

    runner.run(scene())


def test_a_notice_is_sent_again(runner: asyncio.Runner, tmp_path: Path) -> None:
    """The answer is how it stands then."""

    async def scene() -> None:
        async with daemon(tmp_path / "s") as running:
            request = pb.ResendNoticeRequest(tenant_id="t", notice_id="h:2")
            sent = (await running.handoffs.ResendNotice(request)).notice
            assert (sent.handoff_id, sent.state) == ("h", pb.NOTICE_STATE_WAITING)
            assert running.engine.asked == [("t", "h:2")]

    runner.run(scene())


@pytest.mark.parametrize(
    ("method", "request_", "field"),
    [
        ("ListNotices", pb.ListNoticesRequest(), "tenant_id"),
        ("ListNotices", pb.ListNoticesRequest(tenant_id="t", state=7), "state"),  # type: ignore[arg-type]
        ("ListNotices", pb.ListNoticesRequest(tenant_id="t", page_size=-1), "page_size"),
        ("ListNotices", pb.ListNoticesRequest(tenant_id="t", page_token="!"), "page_token"),
        ("ResendNotice", pb.ResendNoticeRequest(tenant_id="t"), "notice_id"),
        ("ResendNotice", pb.ResendNoticeRequest(notice_id="h:2"), "tenant_id"),
    ],
)
def test_bad_requests_name_their_field(
    runner: asyncio.Runner, tmp_path: Path, method: str, request_: Any, field: str
) -> None:
    """Nothing is asked of the engine."""

    async def scene() -> None:
        async with daemon(tmp_path / "s") as running:
            error = await refused(getattr(running.handoffs, method)(request_))
            assert error.code() is StatusCode.INVALID_ARGUMENT
            assert trailers(error)["contextd-field"] == field
            assert not running.engine.asked

    runner.run(scene())
