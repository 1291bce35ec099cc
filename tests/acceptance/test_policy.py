"""The policy file of a real daemon: rules by tenant, exchanged while it serves."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import time
import urllib.request
from functools import partial
from typing import TYPE_CHECKING

import grpc
import pytest

from contextd.config import read_policies
from contextd.v1 import common_pb2, context_service_pb2
from tests.acceptance.caller import Conversation, bot, user
from tests.cli.conftest import served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.conftest import Served

SOON = 0.1
NEVER = 3_600
PATIENCE = 30.0
BIG = "Please refund me 700 euros"
SAID = "The meter hums a purple tune"
PROTOTYPES = """\
[tenants.acme.routing.prototypes]
{kind} = ["My meter is humming a tune.", "The meter hums purple.", "A purple tune of the meter."]
"""
LIMITED = """\
escalation.amount_limits.EUR = {limit}
tenants.acme.escalation.amount_limits.EUR = 600
"""


class Mount:
    """A ConfigMap as Kubernetes mounts it: `policy.toml` behind two symbolic links."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "mounted"
        self.folder.mkdir()
        self.path = self.folder / "policy.toml"
        self.path.symlink_to("..data/policy.toml")
        self._versions = 0

    def swap(self, text: str) -> str:
        """Put the next version in place, as the kubelet does; return the path."""
        self._versions += 1
        version = self.folder / f"..version_{self._versions}"
        version.mkdir()
        (version / "policy.toml").write_text(text, encoding="utf-8")
        os.utime(version / "policy.toml", (0, 0))
        (self.folder / "..data_tmp").symlink_to(version.name)
        (self.folder / "..data_tmp").replace(self.folder / "..data")
        return str(self.path)


class Scene:
    """A daemon with a policy file, and what it answers."""

    def __init__(self, daemon: Served, log: Path, channel: grpc.Channel) -> None:
        self.daemon, self.log, self.channel = daemon, log, channel

    def talk(self, tenant: str) -> Conversation:
        """A conversation of that tenant."""
        talk = Conversation(self.channel)
        talk.ref.tenant_id = tenant
        return talk

    def ask(self, tenant: str) -> context_service_pb2.BuildContextResponse:
        """Ask for much money."""
        return self.talk(tenant).build(BIG)

    def too_much(self, tenant: str) -> bool:
        """Say whether that is too much for the tenant."""
        reasons = {each.reason for each in self.ask(tenant).escalation.signals}
        return common_pb2.ESCALATION_REASON_HIGH_VALUE_ACTION in reasons

    def metric(self, pattern: str) -> list[str]:
        """Return what *pattern* finds in the metrics."""
        with urllib.request.urlopen(f"http://{self.daemon.ops}/metrics", timeout=5) as reply:
            return re.findall(pattern, reply.read().decode())

    def reloads(self, outcome: str) -> int:
        """Count the reloads that ended so."""
        found = self.metric(rf'policy_reloads_total{{outcome="{outcome}"}} (\d+)')
        return int(found[0]) if found else 0

    def wait(self, look: Callable[[], object], expected: object) -> None:
        """Wait until *look* gives what is *expected*: a reload is announced to nobody."""
        ends = time.monotonic() + PATIENCE
        while look() != expected:
            assert time.monotonic() < ends
            time.sleep(0.05)

    def hang_up(self) -> None:
        """Ask the daemon to look at once."""
        self.daemon.process.send_signal(signal.SIGHUP)


@pytest.fixture
def mount(tmp_path: Path) -> Mount:
    """A ConfigMap with limits: acme's is below what is asked for, everybody's above."""
    found = Mount(tmp_path)
    found.swap(LIMITED.format(limit=1_000))
    return found


@pytest.fixture(params=[SOON])
def scene(tmp_path: Path, mount: Mount, request: pytest.FixtureRequest) -> Iterator[Scene]:
    """A daemon that looks for changes every so many seconds."""
    config, log = tmp_path / "contextd.toml", tmp_path / "log"
    config.write_text(
        f'embedder.model = "static"\npolicy.reload_seconds = {request.param}\n', encoding="utf-8"
    )
    arguments = ("--config", str(config), "--policy", str(mount.path), "--store", "memory:")
    with (
        served(*arguments, log=log) as daemon,
        grpc.insecure_channel(daemon.target) as channel,
    ):
        yield Scene(daemon, log, channel)


def test_two_tenants_get_two_answers(scene: Scene, mount: Mount) -> None:
    """To the same message; the hash says by which rules, and is that of the file."""
    policies = read_policies(mount.path.read_text(encoding="utf-8"), "p").policies
    assert (scene.too_much("acme"), scene.too_much("beta")) == (True, False)
    for tenant in ("acme", "beta"):
        talk = scene.talk(tenant)
        answers = (talk.record(user(BIG), bot("No.")), talk.build("Why?"), talk.escalate())
        assert {each.policy_hash for each in answers} == {policies.of(tenant).hash}
    assert scene.metric(r'policy_info{hash="(\w+)"} 1.0') == [policies.hash]


def test_a_swapped_config_map_takes_effect(scene: Scene, mount: Mount) -> None:
    """Without a restart, for sessions that are under way, and seen in the metrics."""
    talk = scene.talk("beta")
    talk.record(user("Hello"), bot("Hello."))
    before = talk.build(BIG)
    for limit, expected in ((500, True), (1_000, False), (400, True)):
        mount.swap(LIMITED.format(limit=limit))
        scene.wait(partial(scene.too_much, "beta"), expected)
    assert scene.reloads("loaded") == 3
    assert scene.too_much("acme")
    after = talk.build(BIG)
    assert after.escalation.recommended
    assert not before.escalation.recommended
    assert after.policy_hash != before.policy_hash


def test_a_tenants_prototypes_route_its_messages(scene: Scene, mount: Mount) -> None:
    """From the next load on, by what they say then, and nobody else's messages."""

    def kind(tenant: str) -> str:
        answer = scene.talk(tenant).build(SAID)
        name = context_service_pb2.TurnType.Name(answer.turn_type)
        return name.removeprefix("TURN_TYPE_").lower()

    plain = kind("beta")
    for each in ("unsupported", "account_issue", "action_request"):
        mount.swap(PROTOTYPES.format(kind=each))
        scene.wait(partial(kind, "acme"), each)
        assert kind("beta") == plain


def test_a_broken_version_leaves_the_last_good_one_in_force(scene: Scene, mount: Mount) -> None:
    """It is told in the log with its line, and counted; mended, the next one counts."""
    good = scene.ask("acme").policy_hash
    for number, text in enumerate(("[tiers", "[tiers]\nsummary = 0.95\n", "\n[teirs]\nx = 1"), 1):
        mount.swap(text)
        scene.wait(partial(scene.reloads, "refused"), number)
        assert scene.ask("acme").policy_hash == good
    (mount.folder / "..data").unlink()
    scene.wait(partial(scene.reloads, "refused"), 4)
    assert scene.ask("acme").policy_hash == good
    assert scene.reloads("loaded") == 0
    told = [json.loads(line)["message"] for line in scene.log.read_text().splitlines()]
    refused = [each for each in told if "the former stays in force" in each]
    assert f"{mount.path}:1: not TOML" in refused[0]
    assert f"{mount.path}:2: tiers.key_facts must be above tiers.summary" in refused[1]
    assert f"{mount.path}:2: teirs is no table of a policy (did you mean tiers?)" in refused[2]
    assert "cannot read" in refused[3]
    mount.swap("[tiers]\nsummary = 0.5\n")
    scene.wait(partial(scene.reloads, "loaded"), 1)
    assert scene.ask("acme").policy_hash != good


@pytest.mark.parametrize("scene", [NEVER], indirect=True)
def test_a_hang_up_has_the_daemon_look_at_once(scene: Scene, mount: Mount) -> None:
    """Once is enough; it goes on serving, also when the file is no good."""
    scene.hang_up()
    mount.swap("x")
    scene.hang_up()
    scene.wait(partial(scene.reloads, "refused"), 1)
    mount.swap(LIMITED.format(limit=500))
    scene.hang_up()
    scene.wait(partial(scene.reloads, "loaded"), 1)
    assert scene.too_much("beta")
    assert scene.daemon.stop() == 0


def test_a_change_under_load_is_seen_whole(scene: Scene, mount: Mount) -> None:
    """Each answer goes by one of the two policies, hash and limit together; none fails."""
    texts = [LIMITED.format(limit=limit) for limit in (500, 1_000)]
    hashes = [read_policies(text, "p").policies.of("beta").hash for text in texts]
    expected = {(hashes[0], True), (hashes[1], False)}
    seen: set[tuple[str, bool]] = set()

    async def calls(swapped: asyncio.Event) -> None:
        while not (swapped.is_set() and seen == expected):
            answer = await asyncio.to_thread(scene.ask, "beta")
            seen.add((answer.policy_hash, answer.escalation.recommended))

    async def main() -> None:
        swapped = asyncio.Event()
        callers = [asyncio.create_task(calls(swapped)) for _ in range(4)]
        for number in range(6):
            mount.swap(texts[number % 2])
            await asyncio.sleep(0.4)
        swapped.set()
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*callers)

    asyncio.run(main())
    assert seen == expected
