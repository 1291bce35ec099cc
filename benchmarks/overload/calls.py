"""The calls of a run: all kinds mixed, at a rate that changes in steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.overload.plan import BUILD, ESCALATE, RECORD
from contextd.cli.loadtest.generator import Load
from contextd.cli.loadtest.schedule import poisson, zipf
from contextd.cli.loadtest.traffic import METHODS, build_request
from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as pb
from contextd.v1 import session_service_pb2 as session_pb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.load.place import Groups
    from benchmarks.overload.plan import Plan
    from contextd.cli.loadtest.traffic import Site

SESSIONS = session_pb.DESCRIPTOR.services_by_name["SessionService"].full_name
ALL_METHODS = (*METHODS, f"/{SESSIONS}/GetSession")

Steps = tuple[tuple[float, float], ...]
"""Rates, and for how many seconds each."""


def mixed(site: Site, plan: Plan, own: Groups, steps: Steps, *, run: str, target: str) -> Load:
    """Return calls of all kinds at the daemon *target*; *run* makes their request ids unique."""
    chance = np.random.default_rng(plan.seed + sum(map(ord, run)))
    begins = np.cumsum([0.0, *(seconds for _, seconds in steps)])
    parts = [
        poisson(rate, seconds, chance) + begin
        for (rate, seconds), begin in zip(steps, begins, strict=False)
    ]
    moments = np.concatenate(parts)
    kinds = chance.choice(len(ALL_METHODS), size=len(moments), p=plan.mix).astype(np.int16)
    sessions = zipf(len(moments), plan.sessions, 0.9, chance)
    payloads = _payloads(site, own, kinds.tolist(), sessions.tolist(), run)
    return Load(target, ALL_METHODS, moments, kinds, payloads, plan.deadline)


def _payloads(
    site: Site, own: Groups, kinds: Sequence[int], sessions: Sequence[int], run: str
) -> list[bytes]:
    questions, answers = site.texts.questions(len(kinds)), site.texts.answers(len(kinds))
    made = []
    for number, (kind, at) in enumerate(zip(kinds, sessions, strict=True)):
        if kind == BUILD:
            request = build_request(site, own.hot[at], questions[number])
            made.append(request.SerializeToString())
            continue
        if kind == RECORD:
            written = site.session(own.written[at])
            record = pb.RecordTurnRequest(
                session=written, turns=[answers[number]], request_id=f"{run}-{number}"
            )
            made.append(record.SerializeToString())
        elif kind == ESCALATE:
            escalated = site.session(own.escalated[at % len(own.escalated)])
            raised = pb.EscalateRequest(
                session=escalated,
                reason=common.ESCALATION_REASON_OTHER,
                request_id=f"{run}-{number}",
            )
            made.append(raised.SerializeToString())
        else:
            looked = session_pb.GetSessionRequest(session=site.session(own.hot[at]))
            made.append(looked.SerializeToString())
    return made
