"""Where a model is asked, as a value; needs no HTTP client."""

from __future__ import annotations

from dataclasses import dataclass, field

FIRST_PAUSE = 0.5
"""Seconds before the first retry; doubled for each further one."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model behind an API like OpenAI's.

    `url` is the base of the API (".../v1").  `timeout` bounds one try in seconds, from
    connecting to the last byte; `retries` counts the tries after the first.  `reasoning`
    is for models that think before they answer: no temperature, and room for the thoughts.
    """

    url: str = field(repr=False)
    model: str
    key: str = field(default="", repr=False)
    timeout: float = 30.0
    retries: int = 1
    reasoning: bool = False
    first_pause: float = FIRST_PAUSE
