"""The model is down: who waits on the line gets a human, everybody else an answer later.

Run `contextd serve` first, then this file.  The "model" here is a function that fails at first;
put your provider's call in its place.
"""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime

from contextd_client import (
    Budget,
    ChannelMode,
    ContextdClient,
    Deferrals,
    LeasedTurn,
    Role,
    Turn,
)

BUDGET = Budget("gpt-4o", context_window_tokens=16_000, reserved_output_tokens=1_000)


class ModelDown(Exception):
    """The endpoint does not answer."""


class Model:
    """Fails until it is `up`."""

    up = False

    async def ask(self, messages: int) -> str:
        """Answer a context of so many messages."""
        if not self.up:
            raise ModelDown("503 from the endpoint")
        return f"I am back, and have read {messages} messages. Your parcel leaves today."


async def answer(client: ContextdClient, waiting: Deferrals, work: LeasedTurn, model: Model) -> str:
    """Answer one message that waited, or let it wait longer."""
    session = client.session(work.conversation, tenant=work.tenant, budget=BUDGET)
    context = await session.build(None)
    try:
        said = await model.ask(len(context.messages))
    except ModelDown as down:
        later = await waiting.retry(work, str(down))
        return f"try {work.attempt} failed, next at {later.due_at}"
    done = await waiting.done(work, Turn(Role.ASSISTANT, said))
    return f"try {work.attempt}: {done.state.value}: {said}"


async def main() -> None:
    """Put two messages aside, bring the model back, and answer the one that waits."""
    run, model = uuid.uuid4().hex[:8], Model()
    async with ContextdClient.from_env() as client:
        waiting = client.deferrals(tenant="acme")
        line = await waiting.defer(
            f"chat-{run}",
            "Hello? My parcel is lost!",
            channel_mode=ChannelMode.SYNC,
            note="the model is down",
        )
        if line.handoff is not None:
            print(f"on the line: with a human, {line.handoff.headline!r}")
        mail = await waiting.defer(
            f"mail-{run}", "Where is my parcel?", not_before=datetime.now(UTC)
        )
        print(f"by mail: waits as {mail.deferral_id}")
        for model.up in (False, True):
            work = await next_of(waiting, mail.deferral_id)
            print(await answer(client, waiting, work, model))


async def next_of(waiting: Deferrals, deferral_id: str) -> LeasedTurn:
    """Return the message when it is due."""
    while True:
        for work in await waiting.lease():
            if work.deferral_id == deferral_id:
                return work
        await asyncio.sleep(0.1)


if __name__ == "__main__":
    asyncio.run(main())
