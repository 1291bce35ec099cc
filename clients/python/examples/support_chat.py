"""A support chat that remembers: run `contextd serve` first, then this file.

The "model" here is a function; put your provider's call in its place.
"""

from __future__ import annotations

import asyncio

from contextd_client import Budget, ContextdClient, Exchange, Format, Reason, Usage

BUDGET = Budget("gpt-4o", context_window_tokens=16_000, reserved_output_tokens=1_000)


async def ask_the_model(body: dict[str, object]) -> tuple[str, Usage]:
    """Answer the newest message of an OpenAI request body."""
    messages = body["messages"]
    newest = messages[-1]["content"] if isinstance(messages, list) else ""
    return f"You said: {newest}", Usage("openai", "gpt-4o", input_tokens=20, output_tokens=5)


async def main() -> None:
    """Talk for two exchanges, then hand over to a human."""
    async with ContextdClient.from_env() as client:
        session = client.session(
            "chat-17", tenant="acme", account="olena", budget=BUDGET, system="You are helpful."
        )
        for said in ("My order W-4417 came broken.", "Can I talk to a human, please?"):
            async with session.turn(said, form=Format.OPENAI_CHAT) as exchange:
                text, usage = await ask_the_model(exchange.context.body)
                exchange.answer(text, usage=usage)
            show(exchange)
            if exchange.context.escalation.recommended:
                handed = await session.escalate(Reason.USER_REQUEST)
                print(handed.markdown)


def show(exchange: Exchange) -> None:
    """Print what contextd made of the message."""
    context = exchange.context
    print(f"{context.token_count} tokens, {context.tier}, {context.turn_type} → {context.route}")


if __name__ == "__main__":
    asyncio.run(main())
