"""A rival for tests: keeps the newest turns, as many as it is told, whatever the budget."""

from __future__ import annotations

import json
import sys

KEPT = int(sys.argv[1])


def main() -> None:
    """Answer in lines, as the workers do."""
    turns: list[dict[str, object]] = []
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["op"] == "open":
            turns = []
            said: dict[str, object] = {"ok": True}
        elif asked["op"] == "add":
            if asked["turn"]["text"] == "fail":
                sys.exit("the library could not")
            turns.append(asked["turn"])
            said = {"seconds": 0.002}
        else:
            said = {"seconds": 0.004, "items": [item(turn) for turn in turns[-KEPT:]]}
        print(json.dumps(said), flush=True)  # noqa: T201 - that is the protocol


def item(turn: dict[str, object]) -> dict[str, object]:
    """Return *turn* as it would be sent."""
    calls = turn["calls"]
    assert isinstance(calls, list)
    return {
        "turn_ids": [turn["turn_id"]],
        "role": turn["role"],
        "text": turn["text"],
        "calls": [call["id"] for call in calls],
        "answers": turn["answers"],
    }


if __name__ == "__main__":
    main()
