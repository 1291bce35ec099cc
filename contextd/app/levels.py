"""How full the daemon is: the levels that its metrics show."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextd.background import Background
    from contextd.engine.refining import Refining
    from contextd.engine.sessions import HotSessions
    from contextd.observers import PrometheusObserver


def show_levels(
    observer: PrometheusObserver,
    background: Background,
    sessions: HotSessions,
    refining: Refining | None,
) -> None:
    """Let *observer* show what waits and what is kept; call it on the event loop."""
    loop = asyncio.get_running_loop()
    observer.level("tasks", lambda: len(asyncio.all_tasks(loop)))
    observer.level("background_waiting", lambda: background.waiting)
    observer.level("refining_waiting", lambda: refining.waiting if refining else 0)
    observer.level("sessions_in_memory", lambda: len(sessions))
    observer.level("session_bytes", lambda: sessions.size_bytes)
