"""A handoff as `metadata` of Dialogflow's LiveAgentHandoff: a google.protobuf.Struct, as JSON.

Dialogflow asks for no structure, but a webhook that answers with it may send 64 KiB in all.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from contextd.policy.handoff.plain import Field, fields, fitted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contextd.model import Handoff

LIMIT_BYTES = 49_152
"""What a handoff may take: three quarters of an answer."""

REST_BYTES = 1_024
"""Room for the numbers, and for the names of what was cut."""

Metadata = str | float | list[str]


def metadata(handoff: Handoff) -> Mapping[str, Metadata]:
    """Return texts, lists of texts and numbers; `cut` lists the names of what was cut."""
    kept, cut = fitted(fields(handoff), LIMIT_BYTES - REST_BYTES, _cost)
    found: dict[str, Metadata] = {field.name: _value(field) for field in kept}
    found["turn_count"] = handoff.turn_count
    found["total_tokens"] = handoff.total_tokens
    if handoff.confidence is not None and math.isfinite(handoff.confidence):
        found["confidence"] = handoff.confidence
    if cut:
        found["cut"] = cut
    return found


def render(handoff: Handoff) -> str:
    """Return the metadata as a JSON object."""
    return json.dumps(metadata(handoff), ensure_ascii=False, separators=(",", ":"))


def _value(field: Field) -> Metadata:
    return field.lines[0] if field.single else list(field.lines)


def _cost(field: Field) -> int:
    pair = {field.name: _value(field)}
    return len(json.dumps(pair, ensure_ascii=False).encode("utf-8", "surrogatepass"))
