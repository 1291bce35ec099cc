from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from contextd.config.settings import leaves
from contextd.policy.policies import Policy
from contextd.policy.rules import Rules

if TYPE_CHECKING:
    from tests.cli.conftest import Run

ROOT = Path(__file__).parents[2]
TEXT = "[tiers]\nsummary = 0.5\nnotice = 1.0\n[tenants.acme.tiers]\nsummary = 0.55\n"


def written(folder: Path, text: str) -> Path:
    """A policy file with *text*."""
    path = folder / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_check_reads_the_policy_too(run: Run, tmp_path: Path) -> None:
    """What is in force for everybody is told with its place; what may surprise is warned of."""
    path = written(tmp_path, TEXT)
    for arguments, environ in (
        (("--policy", path), {}),
        ((), {"CONTEXTD_POLICY__FILE": str(path)}),
    ):
        answer = run("check", *arguments, "--json", environ=environ)
        told = json.loads(answer.stdout)
        assert answer.returncode == 0
        assert told["settings"]["policy.tiers.summary"] == {"value": "0.5", "origin": f"{path}:2"}
        assert told["settings"]["policy.tiers.key_facts"]["origin"] == "default"
        assert [each for each in told["warnings"] if f"{path}:3: tiers.notice is at 100%" in each]


def test_check_and_serve_refuse_a_bad_policy(run: Run, tmp_path: Path) -> None:
    """Exit 2, with every fault and its line."""
    path = written(tmp_path, "[tiers]\nsumary = 1\n\n[tenants.acme.tiers]\nsummary = 2\n")
    for command in ("check", "serve"):
        answer = run(command, "--policy", path)
        assert answer.returncode == 2
        assert f"{path}:2: unknown setting tiers.sumary (did you mean tiers.su" in answer.stderr
        assert f"{path}:5: tenants.acme.tiers.summary must be within 0..1" in answer.stderr
    assert run("check", "--policy", tmp_path / "none.toml").returncode == 2


def test_show_tells_the_rules_of_a_tenant(run: Run, tmp_path: Path) -> None:
    """Each with its place, and the hash that answers bear."""
    path = written(tmp_path, TEXT)
    told = json.loads(run("policy", "show", "--policy", path, "--tenant", "acme", "--json").stdout)
    assert told["rules"]["tiers.summary"] == {"value": 0.55, "origin": f"{path}:5"}
    assert told["rules"]["tiers.notice"] == {"value": 1.0, "origin": f"{path}:3"}
    assert told["rules"]["tiers.low_water"] == {"value": 0.4, "origin": "default"}
    assert list(told["rules"]) == [name for name, _, _ in leaves(Rules())]
    other = json.loads(run("policy", "show", "--policy", path, "--json").stdout)
    assert other["rules"]["tiers.summary"]["value"] == 0.5
    assert other["policy_hash"] != told["policy_hash"]
    table = run("policy", "show")
    assert "tiers.summary" in table.stdout
    assert Policy.of(Rules()).hash in table.stderr


def test_schema_prints_the_published_schema(run: Run) -> None:
    """docs/policy.schema.json is its output, to the byte."""
    published = (ROOT / "docs/policy.schema.json").read_text(encoding="utf-8")
    assert run("policy", "schema").stdout == published
