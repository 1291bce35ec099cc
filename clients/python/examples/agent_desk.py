"""A desk that takes every conversation that waits, and gives it back with a note.

Run `contextd serve` first, then this file; with `--once` it makes a conversation of its own,
serves it and ends.  In a real desk a person reads `opened.rendered` and answers.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing

from contextd_client import (
    ContextdClient,
    DeskFormat,
    HandoffOutcome,
    HandoffStatus,
    HandoffTaken,
    Reason,
    Role,
    Turn,
)

AGENT = "ana"


async def serve(client: ContextdClient, *, once: bool) -> None:
    """Take what waits as it comes; a restart of the daemon does not end the watch."""
    desk = client.handoffs()
    async with aclosing(desk.watch()) as changes:
        async for entry in changes:
            if entry.status is not HandoffStatus.WAITING:
                continue
            try:
                await desk.claim(entry.handoff_id, AGENT)
            except HandoffTaken as taken:
                print(f"{taken.claimed_by} was faster")
                continue
            opened = await desk.get(entry.handoff_id, form=DeskFormat.MARKDOWN)
            print(f"took {entry.headline}\n{opened.rendered}")
            await answer(client, entry.conversation_id)
            await desk.resolve(
                entry.handoff_id, HandoffOutcome.SOLVED, note="Sent a new one, free of charge."
            )
            print("gave back")
            if once:
                return


async def answer(client: ContextdClient, conversation: str) -> None:
    """Speak to the customer as a human."""
    said = Turn(Role.HUMAN_AGENT, "Hello, I have sent you a new one.", author=AGENT)
    await client.session(conversation).record(said)


async def main() -> None:
    """Serve the desk."""
    once = "--once" in sys.argv
    async with ContextdClient.from_env() as client:
        if once:
            session = client.session("desk-example")
            await session.record(user="My lamp came broken. I want to talk to a person.")
            await session.escalate(Reason.USER_REQUEST)
        await serve(client, once=once)


if __name__ == "__main__":
    asyncio.run(main())
