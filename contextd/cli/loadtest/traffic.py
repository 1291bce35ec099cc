"""The calls of a load, made ready as bytes before the first is sent."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from contextd.cli.loadtest.generator import Load
from contextd.cli.loadtest.schedule import constant, poisson, zipf
from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from contextd.cli.loadtest.texts import Texts

SERVICE = pb.DESCRIPTOR.services_by_name["ContextService"].full_name
METHODS = tuple(f"/{SERVICE}/{name}" for name in ("BuildContext", "RecordTurn", "Escalate"))
BUILD, RECORD, ESCALATE = range(3)

THINKING_SECONDS = 0.2
"""In a mixed load: from a message to the model's answer, which is recorded."""


class Workload(StrEnum):
    """What is called."""

    BUILD = "build"
    RECORD = "record"
    MIXED = "mixed"
    ESCALATE = "escalate"


class Arrivals(StrEnum):
    """How calls follow each other: by chance, or at equal distances."""

    POISSON = "poisson"
    CONSTANT = "constant"


@dataclass(frozen=True, slots=True)
class Site:
    """For whom calls are made, and what is said."""

    tenant: str
    budget: pb.Budget
    texts: Texts

    def session(self, conversation: str) -> common.SessionRef:
        """Return the reference to a session."""
        return common.SessionRef(tenant_id=self.tenant, conversation_id=conversation)


@dataclass(frozen=True, slots=True)
class Traffic:
    """Arrivals at *rate* a second, for *warmup* and then *seconds*, over *conversations*.

    With `exponent` the sessions are chosen by Zipf's law, the first most often; with None
    each has its turn.  `run` makes request ids unique; `seed` makes the rest repeatable.
    """

    workload: Workload
    conversations: Sequence[str]
    rate: float
    seconds: float
    warmup: float = 1.0
    arrivals: Arrivals = Arrivals.POISSON
    exponent: float | None = 0.9
    deadline: float = 2.0
    run: str = "run"
    seed: int = 1


def load_of(site: Site, traffic: Traffic, target: str) -> Load:
    """Return the calls of *traffic* at the daemon *target*."""
    chance = np.random.default_rng(traffic.seed)
    whole = traffic.warmup + traffic.seconds
    if traffic.arrivals is Arrivals.CONSTANT:
        moments = constant(traffic.rate, whole)
    else:
        moments = poisson(traffic.rate, whole, chance)
    names = [traffic.conversations[at] for at in _sessions(traffic, len(moments), chance)]
    if traffic.workload is Workload.MIXED:
        return _mixed(site, traffic, target, moments, names)
    kind = {Workload.BUILD: BUILD, Workload.RECORD: RECORD}.get(traffic.workload, ESCALATE)
    payloads = _payloads(site, traffic, kind, names)
    kinds = np.full(len(moments), kind, np.int16)
    return Load(target, METHODS, moments, kinds, payloads, traffic.deadline)


def _mixed(
    site: Site, traffic: Traffic, target: str, moments: NDArray[np.float64], names: Sequence[str]
) -> Load:
    """Build with each message, recording it; record the answer when the model has thought."""
    asked = _payloads(site, traffic, BUILD, names, record=True)
    told = _payloads(site, traffic, RECORD, names)
    both = np.concatenate([moments, moments + THINKING_SECONDS])
    order = np.argsort(both, kind="stable")
    payloads = asked + told
    kinds = np.repeat(np.array([BUILD, RECORD], np.int16), len(moments))[order]
    ordered = [payloads[at] for at in order]
    return Load(target, METHODS, both[order], kinds, ordered, traffic.deadline)


def _payloads(
    site: Site, traffic: Traffic, kind: int, names: Sequence[str], *, record: bool = False
) -> list[bytes]:
    if kind == ESCALATE:
        return [
            pb.EscalateRequest(
                session=site.session(name),
                reason=common.ESCALATION_REASON_OTHER,
                request_id=f"{traffic.run}-{number}",
            ).SerializeToString()
            for number, name in enumerate(names)
        ]
    if kind == RECORD:
        return [
            pb.RecordTurnRequest(
                session=site.session(name), turns=[turn], request_id=f"{traffic.run}-r{number}"
            ).SerializeToString()
            for number, (name, turn) in enumerate(
                zip(names, site.texts.answers(len(names)), strict=True)
            )
        ]
    return [
        build_request(
            site, name, turn, request_id=f"{traffic.run}-b{number}" if record else ""
        ).SerializeToString()
        for number, (name, turn) in enumerate(
            zip(names, site.texts.questions(len(names)), strict=True)
        )
    ]


def build_request(
    site: Site, conversation: str, message: common.Turn, *, request_id: str = ""
) -> pb.BuildContextRequest:
    """Return a question for a context; with a *request_id* the message is recorded too."""
    return pb.BuildContextRequest(
        session=site.session(conversation),
        message=message,
        system_prompt=site.texts.system_prompt,
        budget=site.budget,
        record_message=bool(request_id),
        request_id=request_id,
    )


def _sessions(traffic: Traffic, count: int, chance: Generator) -> NDArray[np.int64]:
    sessions = len(traffic.conversations)
    if traffic.exponent is None:
        return np.arange(count, dtype=np.int64) % sessions
    return zipf(count, sessions, traffic.exponent, chance)
