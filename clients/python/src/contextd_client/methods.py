"""The calls that a transport carries by their names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from contextd.v1 import account_service_pb2 as accounts
from contextd.v1 import deferral_service_pb2 as deferrals
from contextd.v1 import handoff_service_pb2 as handoffs
from contextd.v1 import session_service_pb2 as sessions
from google.protobuf.message import Message

Q = TypeVar("Q", bound=Message)
R = TypeVar("R", bound=Message)


@dataclass(frozen=True, slots=True)
class Method(Generic[Q, R]):
    """A call: its full name, what it takes and what it gives."""

    path: str
    request: type[Q]
    response: type[R]


_ACCOUNTS = "/contextd.v1.AccountService/"
_DEFERRALS = "/contextd.v1.DeferralService/"
_HANDOFFS = "/contextd.v1.HandoffService/"
_SESSIONS = "/contextd.v1.SessionService/"

LIST_HANDOFFS = Method(
    f"{_HANDOFFS}ListHandoffs", handoffs.ListHandoffsRequest, handoffs.ListHandoffsResponse
)
GET_HANDOFF = Method(
    f"{_HANDOFFS}GetHandoff", handoffs.GetHandoffRequest, handoffs.GetHandoffResponse
)
CLAIM_HANDOFF = Method(
    f"{_HANDOFFS}ClaimHandoff", handoffs.ClaimHandoffRequest, handoffs.ClaimHandoffResponse
)
RESOLVE_HANDOFF = Method(
    f"{_HANDOFFS}ResolveHandoff", handoffs.ResolveHandoffRequest, handoffs.ResolveHandoffResponse
)
LIST_NOTICES = Method(
    f"{_HANDOFFS}ListNotices", handoffs.ListNoticesRequest, handoffs.ListNoticesResponse
)
RESEND_NOTICE = Method(
    f"{_HANDOFFS}ResendNotice", handoffs.ResendNoticeRequest, handoffs.ResendNoticeResponse
)
WATCH_HANDOFFS = Method(
    f"{_HANDOFFS}WatchHandoffs", handoffs.WatchHandoffsRequest, handoffs.WatchHandoffsResponse
)
CLOSE_SESSION = Method(
    f"{_SESSIONS}CloseSession", sessions.CloseSessionRequest, sessions.CloseSessionResponse
)
WATCH_SESSION = Method(
    f"{_SESSIONS}WatchSession", sessions.WatchSessionRequest, sessions.WatchSessionResponse
)
EXPORT_SESSION = Method(
    f"{_SESSIONS}ExportSession", sessions.ExportSessionRequest, sessions.ExportSessionResponse
)
IMPORT_SESSION = Method(
    f"{_SESSIONS}ImportSession", sessions.ImportSessionRequest, sessions.ImportSessionResponse
)
DEFER_TURN = Method(
    f"{_DEFERRALS}DeferTurn", deferrals.DeferTurnRequest, deferrals.DeferTurnResponse
)
LEASE_DEFERRED_TURNS = Method(
    f"{_DEFERRALS}LeaseDeferredTurns",
    deferrals.LeaseDeferredTurnsRequest,
    deferrals.LeaseDeferredTurnsResponse,
)
COMPLETE_DEFERRED_TURN = Method(
    f"{_DEFERRALS}CompleteDeferredTurn",
    deferrals.CompleteDeferredTurnRequest,
    deferrals.CompleteDeferredTurnResponse,
)
GET_ACCOUNT = Method(
    f"{_ACCOUNTS}GetAccount", accounts.GetAccountRequest, accounts.GetAccountResponse
)
UPDATE_ACCOUNT = Method(
    f"{_ACCOUNTS}UpdateAccount", accounts.UpdateAccountRequest, accounts.UpdateAccountResponse
)
FORGET_ACCOUNT = Method(
    f"{_ACCOUNTS}ForgetAccount", accounts.ForgetAccountRequest, accounts.ForgetAccountResponse
)
