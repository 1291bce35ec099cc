"""A handoff as contact attributes of Amazon Connect: a flat map of strings.

All attributes of a contact together may have 32,768 bytes of UTF-8; a flow block that would
exceed them fails.  Keys are of letters, digits, `-` and `_`.  What is counted here is the JSON
that carries the map, which is never less than what Amazon counts.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from contextd.policy.handoff.plain import Field, fields, fitted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contextd.model import Handoff

LIMIT_BYTES = 32_768
OWN_BYTES = 2_048
"""What is left to attributes that the flow sets by itself."""

PREFIX = "handoff_"
CUT = f"{PREFIX}cut"
"""The attribute that names those that were cut, or left out, for want of room."""

CUT_BYTES = 512
"""Room for all names at once."""


def attributes(handoff: Handoff) -> Mapping[str, str]:
    """Return the attributes, those of several lines with a line break between them."""
    kept, cut = fitted(fields(handoff), LIMIT_BYTES - OWN_BYTES - CUT_BYTES, _cost)
    found = {PREFIX + field.name: "\n".join(field.lines) for field in kept}
    return found | {CUT: ",".join(cut)} if cut else found


def render(handoff: Handoff) -> str:
    """Return the attributes as a JSON object."""
    return json.dumps(attributes(handoff), ensure_ascii=False, separators=(",", ":"))


def _cost(field: Field) -> int:
    pair = {PREFIX + field.name: "\n".join(field.lines)}
    return len(json.dumps(pair, ensure_ascii=False).encode("utf-8", "surrogatepass"))
