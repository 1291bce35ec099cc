"""The form in which each desk wants a handoff."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.model import Desk
from contextd.policy.handoff import amazon_connect, dialogflow, markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from contextd.model import Handoff

RENDERERS: Mapping[Desk, Callable[[Handoff], str]] = {
    Desk.MARKDOWN: markdown.render,
    Desk.AMAZON_CONNECT: amazon_connect.render,
    Desk.DIALOGFLOW: dialogflow.render,
}


def rendered(handoff: Handoff, desk: Desk | None) -> str:
    """Return the handoff as *desk* wants it, "" for none."""
    return RENDERERS[desk](handoff) if desk is not None else ""
