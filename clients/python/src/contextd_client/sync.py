"""The same client for code without an event loop.

A thread runs the asyncio client; every method here waits for its namesake there and takes
the same arguments.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Self, TypedDict, TypeVar, Unpack

from contextd_client import account, client, deferrals, handoffs, session
from contextd_client.desk import NoticeState

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        Callable,
        Coroutine,
        Iterator,
        Mapping,
        Sequence,
    )
    from types import TracebackType

    from contextd_client.desk import (
        Claimed,
        DeskFormat,
        HandoffEntry,
        HandoffOutcome,
        HandoffStatus,
        Notice,
        OpenedHandoff,
        Resolved,
        SessionEvent,
    )
    from contextd_client.exchange import Exchange
    from contextd_client.results import Imported
    from contextd_client.turns import Budget, Evidence, Format, Turn

P = ParamSpec("P")
R = TypeVar("R")


class _Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="contextd-client", daemon=True
        )
        self._thread.start()

    def run(self, work: Coroutine[object, object, R]) -> R:
        """Run *work* there and return its result; an interrupt here cancels it there."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def iterate(self, answers: AsyncGenerator[R, None]) -> Iterator[R]:
        """Yield what *answers* gives over there, and close it when nobody wants more."""
        try:
            while True:
                try:
                    yield self.run(_next(answers))
                except StopAsyncIteration:
                    return
        finally:
            self.run(_closed(answers))

    @property
    def runs(self) -> bool:
        """Whether it can still take work."""
        return not self._loop.is_closed()

    def close(self) -> None:
        """Stop the loop and its thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _next(answers: AsyncGenerator[R, None]) -> R:
    return await anext(answers)


async def _closed(answers: AsyncGenerator[R, None]) -> None:
    await answers.aclose()


def _blocking(
    method: Callable[Concatenate[session.Session, P], Coroutine[object, object, R]],
) -> Callable[Concatenate[Session, P], R]:
    """Return a method that waits for *method* of the asyncio session."""

    @wraps(method)
    def call(self: Session, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._loop.run(method(self._session, *args, **kwargs))

    return call


class TurnOptions(TypedDict, total=False):
    """The options of `Session.turn`."""

    budget: Budget | None
    system: str | None
    evidence: Sequence[Evidence]
    history: Sequence[Turn] | None
    form: Format


class SessionOptions(TypedDict, total=False):
    """The options of `ContextdClient.session`."""

    tenant: str
    account: str
    budget: Budget | None
    system: str


class Session:
    """One conversation; see `contextd_client.Session`."""

    def __init__(self, loop: _Loop, inner: session.Session) -> None:
        """Made by `ContextdClient.session`."""
        self._loop = loop
        self._session = inner

    build = _blocking(session.Session.build)
    record = _blocking(session.Session.record)
    escalate = _blocking(session.Session.escalate)
    close = _blocking(session.Session.close)
    export = _blocking(session.Session.export)

    def watch(self, after: int = 0) -> Iterator[SessionEvent]:
        """Yield what happens; see `contextd_client.Session.watch`."""
        return self._loop.iterate(self._session.watch(after))

    @contextmanager
    def turn(self, message: str | Turn, **options: Unpack[TurnOptions]) -> Iterator[Exchange]:
        """Build on entering, record on leaving; see `contextd_client.Session.turn`."""
        scope = self._session.turn(message, **options)
        exchange = self._loop.run(scope.__aenter__())
        try:
            yield exchange
        except BaseException as error:
            self._loop.run(scope.__aexit__(type(error), error, error.__traceback__))
            raise
        self._loop.run(scope.__aexit__(None, None, None))


class Handoffs:
    """The desk of one tenant; see `contextd_client.Handoffs`."""

    def __init__(self, loop: _Loop, inner: handoffs.Handoffs) -> None:
        """Made by `ContextdClient.handoffs`."""
        self._loop = loop
        self._handoffs = inner

    def list(self, *statuses: HandoffStatus) -> Sequence[HandoffEntry]:
        """Return those that stand so; see `contextd_client.Handoffs.list`."""
        return self._loop.run(self._handoffs.list(*statuses))

    def get(self, handoff_id: str, *, form: DeskFormat | None = None) -> OpenedHandoff:
        """Return one with its payload; see `contextd_client.Handoffs.get`."""
        return self._loop.run(self._handoffs.get(handoff_id, form=form))

    def claim(
        self, handoff_id: str, agent: str, *, take_over: bool = False, request_id: str = ""
    ) -> Claimed:
        """Give one to a person; see `contextd_client.Handoffs.claim`."""
        return self._loop.run(
            self._handoffs.claim(handoff_id, agent, take_over=take_over, request_id=request_id)
        )

    def resolve(
        self,
        handoff_id: str,
        outcome: HandoffOutcome,
        *,
        note: str = "",
        close: bool = False,
        agent: str = "",
        request_id: str = "",
    ) -> Resolved:
        """End one; see `contextd_client.Handoffs.resolve`."""
        return self._loop.run(
            self._handoffs.resolve(
                handoff_id, outcome, note=note, close=close, agent=agent, request_id=request_id
            )
        )

    def notices(self, state: NoticeState = NoticeState.DEAD) -> Sequence[Notice]:
        """Return what a webhook has not taken; see `contextd_client.Handoffs.notices`."""
        return self._loop.run(self._handoffs.notices(state))

    def resend(self, notice_id: str) -> Notice:
        """Send one again; see `contextd_client.Handoffs.resend`."""
        return self._loop.run(self._handoffs.resend(notice_id))

    def watch(self, after: int = 0) -> Iterator[HandoffEntry]:
        """Yield them as they change; see `contextd_client.Handoffs.watch`."""
        return self._loop.iterate(self._handoffs.watch(after))


def _waiting(
    method: Callable[Concatenate[account.Account, P], Coroutine[object, object, R]],
) -> Callable[Concatenate[Account, P], R]:
    """Return a method that waits for *method* of the asyncio account."""

    @wraps(method)
    def call(self: Account, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._loop.run(method(self._account, *args, **kwargs))

    return call


class Account:
    """One end customer; see `contextd_client.Account`."""

    def __init__(self, loop: _Loop, inner: account.Account) -> None:
        """Made by `ContextdClient.account`."""
        self._loop = loop
        self._account = inner

    get = _waiting(account.Account.get)
    update = _waiting(account.Account.update)
    forget = _waiting(account.Account.forget)


def _aside(
    method: Callable[Concatenate[deferrals.Deferrals, P], Coroutine[object, object, R]],
) -> Callable[Concatenate[Deferrals, P], R]:
    """Return a method that waits for *method* of the asyncio deferrals."""

    @wraps(method)
    def call(self: Deferrals, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._loop.run(method(self._deferrals, *args, **kwargs))

    return call


class Deferrals:
    """The messages of one tenant that wait; see `contextd_client.Deferrals`."""

    def __init__(self, loop: _Loop, inner: deferrals.Deferrals) -> None:
        """Made by `ContextdClient.deferrals`."""
        self._loop = loop
        self._deferrals = inner

    defer = _aside(deferrals.Deferrals.defer)
    lease = _aside(deferrals.Deferrals.lease)
    done = _aside(deferrals.Deferrals.done)
    retry = _aside(deferrals.Deferrals.retry)
    fail = _aside(deferrals.Deferrals.fail)


class ContextdClient:
    """Talks to one contextd daemon from any thread; see `contextd_client.ContextdClient`."""

    def __init__(self, inner: client.ContextdClient | None = None) -> None:
        """Wrap an asyncio client that nothing else uses, by default one for the default target."""
        self._inner = inner or client.ContextdClient()
        self._loop = _Loop()

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Return a client as the environment says."""
        return cls(client.ContextdClient.from_env(environ))

    def session(self, conversation: str, **options: Unpack[SessionOptions]) -> Session:
        """Return a handle on a conversation; nothing is sent."""
        return Session(self._loop, self._inner.session(conversation, **options))

    def handoffs(self, *, tenant: str = "") -> Handoffs:
        """Return the desk of a tenant; nothing is sent."""
        return Handoffs(self._loop, self._inner.handoffs(tenant=tenant))

    def deferrals(self, *, tenant: str = "") -> Deferrals:
        """Return the messages of a tenant that wait for the model; nothing is sent."""
        return Deferrals(self._loop, self._inner.deferrals(tenant=tenant))

    def account(self, account: str, *, tenant: str = "") -> Account:
        """Return a handle on an end customer; nothing is sent."""
        return Account(self._loop, self._inner.account(account, tenant=tenant))

    def import_session(self, lines: bytes, *, tenant: str = "") -> Imported:
        """Take a conversation; see `contextd_client.ContextdClient.import_session`."""
        return self._loop.run(self._inner.import_session(lines, tenant=tenant))

    def close(self) -> None:
        """Close the connection and end the thread; may be called twice."""
        if self._loop.runs:
            self._loop.run(self._inner.aclose())
            self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
