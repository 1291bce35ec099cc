from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from contextd.errors import NoticeNotFound, NoWebhook
from contextd.model import Lease, NoticeState, Queue
from tests.engine.kit import KEY, Engine, escalate_request, record_request, run, user

if TYPE_CHECKING:
    from contextd.model import Job

TENANT = KEY.tenant_id


async def given_up(made: Engine) -> Job:
    """Return the notice of a handoff, which nobody has taken."""
    await made.record(record_request(user("Nobody helps me!")))
    await replace(made.escalate, announce=lambda _: True)(escalate_request())
    now = made.clock.now
    (job,) = await made.store.work.lease(Queue.WEBHOOK, now=now, until=now, token="a", limit=9)
    dead = await made.store.work.bury(Lease.of(job), error="HTTP 500")
    assert dead is not None
    return dead


def test_what_was_given_up_is_shown_and_sent_again() -> None:
    """It is due at once, as if never tried; until it is taken, to send it again changes nothing."""

    async def main() -> None:
        made = Engine()
        dead = await given_up(made)
        assert list(await made.notices.list(TENANT, NoticeState.DEAD, "", 9)) == [dead]
        assert not await made.notices.list(TENANT, NoticeState.DEAD, dead.job_id, 9)
        assert not await made.notices.list(TENANT, NoticeState.WAITING, "", 9)
        made.clock.advance(3_600)

        sent = await made.notices.resend(TENANT, dead.job_id)
        assert (sent.due_at, sent.attempts, sent.dead) == (made.clock.now, 0, False)
        assert await made.notices.resend(TENANT, dead.job_id) == sent
        assert list(await made.notices.list(TENANT, NoticeState.WAITING, "", 9)) == [sent]
        assert made.observer.labelled["notices", (("outcome", "resent"),)] == 1

    run(main())


def test_nobody_sends_what_is_anothers_or_not_there() -> None:
    """Taken, deleted, or of another tenant: there is no such notice; without a webhook, nowhere."""

    async def main() -> None:
        made = Engine()
        dead = await given_up(made)
        for tenant, notice in (("another", dead.job_id), (TENANT, f"{dead.job_id}0")):
            assert not await made.notices.list("another", NoticeState.DEAD, "", 9)
            with pytest.raises(NoticeNotFound):
                await made.notices.resend(tenant, notice)
        with pytest.raises(NoWebhook):
            await replace(made.notices, announce=lambda _: False).resend(TENANT, dead.job_id)
        assert list(await made.notices.list(TENANT, NoticeState.DEAD, "", 9)) == [dead]
        await made.inspection.delete_session(KEY)
        with pytest.raises(NoticeNotFound):
            await made.notices.resend(TENANT, dead.job_id)

    run(main())
