from __future__ import annotations

import gzip
import json
import subprocess
from typing import TYPE_CHECKING

import grpc
import pytest

from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as pb
from contextd.v1 import session_service_pb2 as sessions
from contextd.v1.context_service_pb2_grpc import ContextServiceStub
from contextd.v1.session_service_pb2_grpc import SessionServiceStub
from tests.cli.conftest import COMMAND, ROOT, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Run, Served

NAMES = ("chat 1", "chat-2", "ünï")


def record(target: str, name: str, tenant: str = "acme") -> None:
    """Record an exchange in which the text of a header is said."""
    with grpc.insecure_channel(target) as channel:
        ref = common.SessionRef(tenant_id=tenant, conversation_id=name, account_id="olena")
        said = '{"contextd_session": 1}\nWhere is\u2028my order?'
        turns = [
            common.Turn(role=common.ROLE_USER, text=said, author="Olena"),
            common.Turn(role=common.ROLE_ASSISTANT, text=f"On its way, {name}."),
        ]
        ContextServiceStub(channel).RecordTurn(
            pb.RecordTurnRequest(session=ref, turns=turns, request_id="r"), timeout=30
        )


def turns(target: str, name: str) -> list[common.Turn]:
    """Return the turns that a daemon has."""
    with grpc.insecure_channel(target) as channel:
        ref = common.SessionRef(tenant_id="acme", conversation_id=name)
        request = sessions.ListTurnsRequest(session=ref)
        return list(SessionServiceStub(channel).ListTurns(request, timeout=30).turns)


def context(target: str, name: str) -> pb.BuildContextResponse:
    """Return what a daemon would send to the model for the next message."""
    with grpc.insecure_channel(target) as channel:
        request = pb.BuildContextRequest(
            session=common.SessionRef(tenant_id="acme", conversation_id=name),
            message=common.Turn(role=common.ROLE_USER, text="And when will it come?"),
            budget=pb.Budget(context_window_tokens=4_096, reserved_output_tokens=96),
            format=pb.FORMAT_OPENAI_CHAT,
            dry_run=True,
        )
        answer = ContextServiceStub(channel).BuildContext(request, timeout=30)
        answer.ClearField("timings")
        return answer


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A second daemon, which knows nothing."""
    store = tmp_path_factory.mktemp("other") / "state.db"
    with served("--store", f"sqlite:///{store}") as running:
        yield running


@pytest.fixture(scope="module")
def file(run: Run, daemon: Served, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every session of a tenant, exported."""
    for name in NAMES:
        record(daemon.target, name)
    done = run("session", "export", "--all", "--tenant", "acme", "--target", daemon.target)
    assert done.returncode == 0, done.stderr
    path = tmp_path_factory.mktemp("files") / "acme.jsonl"
    path.write_text(done.stdout, encoding="utf-8")
    return path


def test_sessions_move_to_another_daemon(
    run: Run, daemon: Served, other: Served, file: Path
) -> None:
    """All of a tenant's in one file, each as it was; again changes nothing."""
    place = ("--tenant", "acme", "--target", other.target)
    done = run("session", "import", file, *place)
    assert (done.returncode, done.stdout) == (0, "3 sessions taken, 0 were there, 0 refused\n")
    for name in NAMES:
        assert turns(other.target, name) == turns(daemon.target, name)
        assert context(other.target, name) == context(daemon.target, name)
    packed = file.with_suffix(".jsonl.gz")
    packed.write_bytes(gzip.compress(file.read_bytes()))
    told = run("session", "import", packed, *place, "--json").stdout.splitlines()
    assert [json.loads(each)["already_there"] for each in told] == [True] * 3
    assert {json.loads(each)["conversation_id"] for each in told} == set(NAMES)


def test_one_goes_through_a_pipe(daemon: Served, other: Served, file: Path) -> None:
    """Named ones alone, from one command into the other."""
    del file
    export = [*COMMAND, "session", "export", "chat-2", "--tenant", "acme"]
    take = [*COMMAND, "session", "import", "-", "--tenant", "piped"]
    written = subprocess.run(
        [*export, "--target", daemon.target], capture_output=True, check=True, cwd=ROOT
    ).stdout
    assert written.count(b"\n") == 4
    done = subprocess.run(
        [*take, "--target", other.target],
        capture_output=True,
        check=True,
        cwd=ROOT,
        input=written,
    )
    assert b"1 sessions taken" in done.stdout


def test_a_wrong_line_is_named_and_the_others_are_taken(
    run: Run, other: Served, file: Path, tmp_path: Path
) -> None:
    """FILE:LINE and the field; what is refused is refused whole."""
    lines = file.read_text(encoding="utf-8").split("\n")
    turned = json.loads(lines[6])
    turned["turns"][1]["sequence"] = 9
    lines[6] = json.dumps(turned)
    path = tmp_path / "wrong.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    place = ("--tenant", "wrong", "--target", other.target)
    done = run("session", "import", path, *place)
    assert done.returncode == 1
    assert done.stdout == "2 sessions taken, 0 were there, 1 refused\n"
    assert f"{path}:7: turns[1].sequence: must be 2" in done.stderr
    listed = run("session", "list", *place, "--json").stdout.splitlines()
    assert [json.loads(each)["conversation_id"] for each in listed] == [NAMES[0], NAMES[2]]
    told = json.loads(run("session", "import", path, *place, "--json").stdout.splitlines()[1])
    assert (told["refused"], told["line"]) == ("ARCHIVE_INVALID", 7)


def test_another_session_is_left_alone(run: Run, other: Served, file: Path, tmp_path: Path) -> None:
    """An id that is taken is said, with the line of its header."""
    path = tmp_path / "changed.jsonl"
    path.write_text(file.read_text(encoding="utf-8").replace("On its way, chat-2", "Lost"), "utf-8")
    run("session", "import", file, "--tenant", "twice", "--target", other.target)
    done = run("session", "import", path, "--tenant", "twice", "--target", other.target)
    assert done.returncode == 1
    assert f"{path}:5: There is another session under this id" in done.stderr
    assert "0 sessions taken, 2 were there, 1 refused" in done.stdout


def test_how_to_call_it(run: Run, daemon: Served, tmp_path: Path) -> None:
    """What is missing is said."""
    assert run("session", "export", "--target", daemon.target).returncode == 2
    assert run("session", "export", "x", "--all", "--target", daemon.target).returncode == 2
    missing = run("session", "import", tmp_path / "no.jsonl", "--target", daemon.target)
    assert missing.returncode == 2
    assert "there is no file" in missing.stderr
    nobody = run("session", "export", "nobody", "--target", daemon.target)
    assert nobody.returncode == 1
    assert "SESSION_NOT_FOUND" in nobody.stderr
    assert not nobody.stdout


def test_turns_alone_are_for_replay(run: Run, daemon: Served, file: Path) -> None:
    """One line a turn."""
    del file
    place = ("--tenant", "acme", "--target", daemon.target)
    told = run("session", "export", "chat-2", "--turns", *place).stdout.strip().split("\n")
    assert [json.loads(each)["role"] for each in told] == ["user", "assistant"]
