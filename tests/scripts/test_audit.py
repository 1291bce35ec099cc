"""What an audit says: vulnerable, sound, or plainly not known."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scripts.audit import Verdict, told, verdict

SOUND = {"name": "numpy", "version": "2.0", "vulns": []}
VULNERABLE = {
    "name": "jinja2",
    "version": "2.4.1",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.8.1"]}, {"id": "PYSEC-2", "fix_versions": []}],
}
SKIPPED = {"name": "rich", "skip_reason": "Dependency not found on PyPI"}


def report(*packages: dict[str, Any]) -> Verdict:
    """Return what is made of a report about *packages*."""
    return verdict(json.dumps({"dependencies": packages, "fixes": []}), "")


def test_a_vulnerability_is_named() -> None:
    """Each with its package, its id and the version that mends it."""
    said = report(SOUND, VULNERABLE)
    assert said.complete
    assert said.found == (
        "jinja2 2.4.1: PYSEC-1 (fixed in 2.8.1)",
        "jinja2 2.4.1: PYSEC-2 (fixed in no version yet)",
    )
    assert told(said)[0].startswith("VULNERABLE: jinja2")


def test_nothing_known_is_not_nothing_found() -> None:
    """Packages that the service does not know make an audit incomplete, and are named."""
    said = report(SOUND, SKIPPED)
    assert not said.complete
    assert told(said) == [
        "not audited: the service knows nothing of 1: rich",
        "1 packages audited, 0 vulnerabilities",
    ]


@pytest.mark.parametrize(
    ("errors", "fault"),
    [("Traceback …\n\nNo route to host\n", "No route to host"), ("", "pip-audit said nothing")],
)
def test_no_answer_is_said(errors: str, fault: str) -> None:
    """Without a network the reason stands where the result would."""
    said = verdict("", errors)
    assert not said.complete
    assert told(said) == [f"not audited: {fault}"]


def test_a_sound_lock() -> None:
    """All looked up, nothing found."""
    assert told(report(SOUND)) == ["1 packages audited, 0 vulnerabilities"]
