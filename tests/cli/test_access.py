"""Who may ask a daemon that runs: its files, its flags, and what its callers bring."""

from __future__ import annotations

import json
import socket
import time
import urllib.request
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from contextd.auth.tokens import line_for
from contextd.config import load
from contextd.errors import ConfigInvalid
from contextd.testing.issuing import AUDIENCE, ISSUER, Authority, Signer, jwks
from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as pb
from contextd.v1.context_service_pb2_grpc import ContextServiceStub
from tests.cli.conftest import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contextd.testing.issuing import Pair
    from tests.cli.conftest import Run, Served

SAMPLE = Path(__file__).parents[1] / "data/two_sessions.jsonl"
TOKEN, OPERATOR, STRANGER = "ctxd_front-of-acme", "ctxd_for-everybody", "ctxd_stranger"
CA = Authority()
SOON = 0.1
"""How often the daemons of these tests look at their files, in seconds."""


class Deployment:
    """A folder with the files of a daemon, as a mounted secret has them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.signer = Signer.new()
        self.pair = CA.server()
        self.pair.write(folder, "server")
        (folder / "ca.pem").write_bytes(CA.cert)
        self.let_in(line_for(TOKEN, "front", ["acme"]), line_for(OPERATOR, "operator", ["*"]))
        (folder / "jwks").write_text(jwks(self.signer), encoding="utf-8")
        (folder / "token").write_text(f"{TOKEN}\n", encoding="utf-8")

    def let_in(self, *lines: str) -> None:
        """Write the tokens file anew."""
        (self.folder / "tokens").write_text("\n".join(lines), encoding="utf-8")

    def config(self, **tables: dict[str, Any]) -> Path:
        """Write a configuration; *tables* are laid over one with TLS and tokens."""
        here = self.folder
        own: dict[str, dict[str, Any]] = {
            "tls": {"cert": f"{here}/server.pem", "key": f"{here}/server.key"}
            | {"reload_seconds": SOON},
            "auth": {"tokens": f"{here}/tokens"},
            "log": {"level": "debug"},
        }
        text = ""
        for name in {**own, **tables}:
            text += f"[{name}]\n"
            for key, value in (own.get(name, {}) | tables.get(name, {})).items():
                inline = json.dumps(value).replace('": ', '" = ')  # good enough TOML
                text += f"{key} = {inline}\n"
        path = here / "contextd.toml"
        path.write_text(text, encoding="utf-8")
        return path

    @contextmanager
    def running(self, *flags: str, **tables: dict[str, Any]) -> Iterator[Served]:
        """Serve on any port of this machine."""
        config = str(self.config(**tables))
        with served("--config", config, "--store", "memory:", *flags, log=self.log) as daemon:
            yield daemon


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    """A folder of its own."""
    return Deployment(tmp_path)


def record(
    daemon: Served,
    token: str = TOKEN,
    *,
    tenant: str = "acme",
    root: bytes = CA.cert,
    pair: Pair | None = None,
) -> str:
    """Record a turn over a new connection; return "OK" or the reason of the refusal."""
    request = pb.RecordTurnRequest(
        session=common.SessionRef(tenant_id=tenant, conversation_id="c"),
        turns=[common.Turn(role="ROLE_USER", text="Hello")],
    )
    key, chain = (pair.key, pair.cert) if pair else (None, None)
    credentials = grpc.ssl_channel_credentials(root, key, chain)
    alone = [("grpc.use_local_subchannel_pool", 1)]
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    with grpc.secure_channel(daemon.target, credentials, options=alone) as channel:
        try:
            ContextServiceStub(channel).RecordTurn(request, timeout=10, metadata=metadata)
        except grpc.RpcError as error:
            trailers: Any = error.trailing_metadata() or ()
            found = {str(name): str(value) for name, value in trailers}
            return found.get("contextd-reason", error.code().name)
    return "OK"


def until(wanted: str, daemon: Served, *args: Any, **rest: Any) -> None:
    """Return when `record` gives *wanted*; the files are looked at all the time."""
    while record(daemon, *args, **rest) != wanted:
        time.sleep(0.02)


def metric(daemon: Served, line: str) -> float:
    """Return the value behind *line* in the exposition."""
    with urllib.request.urlopen(f"http://{daemon.ops}/metrics", timeout=5) as reply:
        text = reply.read().decode()
    found = [each for each in text.splitlines() if each.startswith(f"{line} ")]
    return float(found[0].rpartition(" ")[2]) if found else 0.0


def test_an_open_address_needs_tls_and_credentials(run: Run, deployment: Deployment) -> None:
    """`serve` and `check` refuse it with exit 2 and say what to set; --insecure is a way out."""
    tokens = f"{deployment.folder}/tokens"
    cases = [
        ("", "TLS ([tls] cert and key) and credentials ([auth] tokens, jwks or identities)"),
        (f'[auth]\ntokens = "{tokens}"\n', "without TLS ([tls] cert and key): set it"),
    ]
    for text, said in cases:
        path = deployment.folder / "open.toml"
        path.write_text(f'{text}[server]\nlisten = "0.0.0.0:0"\n', encoding="utf-8")
        for command in ("serve", "check"):
            answer = run(command, "--config", path)
            assert answer.returncode == 2
            assert said in answer.stderr
            assert "--insecure" in answer.stderr


@pytest.mark.parametrize(
    ("listen", "is_open"),
    [
        ("0.0.0.0:1", True),
        ("[::]:1", True),
        ("*:1", True),
        ("10.0.0.7:1", True),
        ("contextd.internal:1", True),
        ("127.0.0.1:1", False),
        ("127.9.9.9:1", False),
        ("[::1]:1", False),
        ("localhost:1", False),
        ("[::ffff:10.0.0.7]:1", True),
    ],
)
def test_which_addresses_are_open(listen: str, is_open: bool) -> None:
    """All but those that nobody else can reach; a name may stand for anything."""
    if not is_open:
        load({"server.listen": listen}, {})
        return
    with pytest.raises(ConfigInvalid, match="open to the network"):
        load({"server.listen": listen}, {})
    load({"server.listen": listen, "server.insecure": True}, {})
    load({"server.listen": "", "server.socket": "s"}, {})
    guarded = {"tls.cert": "c", "tls.key": "k", "auth.tokens": "t"}
    load({"server.listen": listen, **guarded}, {})


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"tls.cert": "c"}, "tls.key is missing"),
        ({"tls.key": "k"}, "tls.cert is missing"),
        ({"tls.client_ca": "c"}, "tls.client_ca needs tls.cert"),
        ({"auth.jwks": "j", "auth.audience": "a"}, "auth.issuer is needed"),
        ({"auth.jwks": "j", "auth.issuer": "i"}, "auth.audience is needed"),
        ({"auth.identities": {"a.example": ["t"]}}, "need tls.client_ca"),
        ({"auth.identities": {"https://x": ["t"]}}, "neither a SPIFFE id"),
        ({"limits.tenants": {"acme": {"calls": 1}}}, "unknown calls"),
        ({"limits.tenants": {"acme": {"burst": -1}}}, "must not be negative"),
        ({"limits.calls_per_second": -1}, "must be within 0"),
        ({"tls.reload_seconds": 0.01}, "must be at least"),
    ],
)
def test_settings_that_do_not_go_together(flags: dict[str, object], message: str) -> None:
    """They are refused by name."""
    with pytest.raises(ConfigInvalid, match=message):
        load(flags, {})


def test_insecure_is_said_aloud(tmp_path: Path) -> None:
    """The daemon serves, and its log warns of both."""
    log = tmp_path / "log"
    flags = ("--listen", "0.0.0.0:0", "--insecure", "--store", "memory:")
    with served(*flags, log=log) as daemon:
        assert daemon.target.startswith("0.0.0.0:")
    text = log.read_text(encoding="utf-8")
    assert "without credentials" in text
    assert "unencrypted" in text


def test_a_daemon_on_the_network_is_guarded(deployment: Deployment) -> None:
    """With both it serves on all interfaces, and warns of neither."""
    with deployment.running("--listen", "0.0.0.0:0", "--ops", "127.0.0.1:0") as daemon:
        port = daemon.target.rpartition(":")[2]
        here = type(daemon)(daemon.process, f"127.0.0.1:{port}", daemon.ops)
        assert record(here) == "OK"
        assert record(here, "") == "CREDENTIAL_MISSING"
        assert record(here, STRANGER) == "CREDENTIAL_INVALID"
        assert record(here, tenant="bolt") == "TENANT_DENIED"
        assert record(here, OPERATOR, tenant="bolt") == "OK"
        credentials = grpc.ssl_channel_credentials(CA.cert)
        with grpc.secure_channel(here.target, credentials) as channel:
            reflected = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo
            with pytest.raises(grpc.RpcError) as refused:
                next(reflected(iter([reflection_pb2.ServerReflectionRequest(list_services="")])))
            assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
    log = deployment.log.read_text(encoding="utf-8")
    assert "open to the network" not in log
    for secret in (TOKEN, OPERATOR, STRANGER, "PRIVATE KEY", "Bearer"):
        assert secret not in log


def test_the_commands_bring_what_is_wanted(run: Run, deployment: Deployment) -> None:
    """Every command that talks to a daemon takes a CA and a token; without, it says so."""
    with deployment.running() as daemon:
        keys = ("--tls-ca", deployment.folder / "ca.pem")
        token = ("--token-file", deployment.folder / "token")
        here = ("--target", daemon.target, *keys)
        assert run("health", *here).returncode == 0
        missing = run("health", *here[:3], "/nowhere")
        assert (missing.returncode, missing.stdout) == (1, "UNREACHABLE\n")
        played = run("replay", SAMPLE, *here, *token, "--tenant", "acme", "--quiet")
        assert played.returncode == 0, played.stderr
        listed = run("session", "list", *here, *token, "--tenant", "acme")
        assert "tram-card" in listed.stdout
        shown = run("session", "show", "tram-card", *here, *token, "--tenant", "acme", "--json")
        assert json.loads(shown.stdout)["session"]["tenant_id"] == "acme"
        small = (
            "--rate",
            "20",
            "--seconds",
            "1",
            "--warmup",
            "0",
            "--sessions",
            "2",
            "--turns",
            "4",
        )
        loaded = run("loadtest", *here, *token, "--tenant", "acme", *small, "--json", "-")
        assert json.loads(loaded.stdout)["methods"]["BuildContext"]["errors"] == {}, loaded.stderr
        nobody = run("session", "show", "tram-card", *here, "--tenant", "acme")
        assert nobody.returncode == 1
        assert "CREDENTIAL_MISSING" in nobody.stderr
        assert "--token-file" in nobody.stderr
        other = run("session", "list", *here, *token, "--tenant", "bolt")
        assert "TENANT_DENIED" in other.stderr
        plain = run("session", "list", "--target", daemon.target, *token)
        assert "--tls-ca" in plain.stderr
        absent = run("session", "list", *here, "--token-file", "/nowhere")
        assert absent.returncode == 2
        assert "cannot read /nowhere" in absent.stderr


def test_tokens_are_exchanged_without_a_restart(deployment: Deployment) -> None:
    """A new line lets in, a removed one no more; a broken file changes nothing and is told."""
    refused = 'contextd_reloads_total{kind="tokens",outcome="refused"}'
    with deployment.running() as daemon:
        assert record(daemon, "ctxd_next") == "CREDENTIAL_INVALID"
        deployment.let_in(line_for(TOKEN, "front", ["acme"]), line_for("ctxd_next", "n", ["acme"]))
        until("OK", daemon, "ctxd_next")
        deployment.let_in("this is no line", line_for("ctxd_next", "next", ["acme"]))
        while not metric(daemon, refused):
            time.sleep(0.02)
        assert record(daemon) == "OK"
        deployment.let_in(line_for("ctxd_next", "next", ["acme"]))
        until("CREDENTIAL_INVALID", daemon)
        assert record(daemon, "ctxd_next") == "OK"
    log = deployment.log.read_text(encoding="utf-8")
    assert "tokens not reloaded, the former stays in force" in log
    assert "line 1" in log
    assert "this is no line" not in log


def test_certificates_are_exchanged_without_a_restart(deployment: Deployment) -> None:
    """A key without its certificate changes nothing; with it, new connections see the new one."""
    new_ca = Authority("new")
    refused = 'contextd_reloads_total{kind="tls",outcome="refused"}'
    with deployment.running() as daemon:
        before = metric(daemon, "contextd_tls_not_after_seconds")
        assert before > time.time()
        new = new_ca.server()
        (deployment.folder / "server.key").write_bytes(new.key)
        while not metric(daemon, refused):
            time.sleep(0.02)
        assert record(daemon) == "OK"
        (deployment.folder / "server.pem").write_bytes(new.cert)
        until("OK", daemon, root=new_ca.cert)
        assert record(daemon) == "UNAVAILABLE"
        with socket.create_connection(("127.0.0.1", int(daemon.target.rpartition(":")[2]))) as door:
            door.sendall(b"GET / HTTP/1.0\r\n\r\n")
            door.recv(100)
        assert metric(daemon, "contextd_tls_not_after_seconds") >= before
    lines = deployment.log.read_text(encoding="utf-8").splitlines()
    messages = [json.loads(line)["message"] for line in lines]  # nothing else is in the log
    assert any("key is not the key of cert" in message for message in messages)


def test_check_says_when_a_certificate_ends_soon(run: Run, deployment: Deployment) -> None:
    """Two weeks before; the file is good, so that is a warning."""
    for days, warned in ((1, True), (30, False)):
        CA.server(valid=timedelta(days=days)).write(deployment.folder, "server")
        answer = run("check", "--config", deployment.config(), "--json")
        warnings = json.loads(answer.stdout)["warnings"]
        assert any("tls.cert expires on" in each for each in warnings) == warned


def test_a_mounted_secret_is_exchanged(tmp_path: Path) -> None:
    """Certificate and key behind a link that is turned at once, as Kubernetes does."""
    new_ca = Authority("new")
    for name, authority in (("..1", CA), ("..2", new_ca)):
        (tmp_path / name).mkdir()
        authority.server().write(tmp_path / name, "tls")
    (tmp_path / "..data").symlink_to("..1")
    for name in ("tls.pem", "tls.key"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    deployment = Deployment(tmp_path)
    tls = {"cert": f"{tmp_path}/tls.pem", "key": f"{tmp_path}/tls.key"}
    with deployment.running(tls=tls) as daemon:
        assert record(daemon) == "OK"
        (tmp_path / "..next").symlink_to("..2")
        (tmp_path / "..next").replace(tmp_path / "..data")
        until("OK", daemon, root=new_ca.cert)
        refused = 'contextd_reloads_total{kind="tls",outcome="refused"}'
        assert metric(daemon, refused) == 0


def test_signed_tokens_and_their_keys(deployment: Deployment) -> None:
    """A JSON Web Token is believed while its key is in the file."""
    auth = {"jwks": f"{deployment.folder}/jwks", "issuer": ISSUER, "audience": AUDIENCE}
    with deployment.running(auth=auth) as daemon:
        signed = deployment.signer.token("acme")
        for _ in range(3):
            assert record(daemon, signed) == "OK"
        assert record(daemon, signed, tenant="bolt") == "TENANT_DENIED"
        assert record(daemon, Signer.new().token()) == "CREDENTIAL_INVALID"
        late = deployment.signer.token(exp=time.time() - 60)
        assert record(daemon, late) == "CREDENTIAL_EXPIRED"
        new = Signer.new("k2")
        (deployment.folder / "jwks").write_text(jwks(new), encoding="utf-8")
        until("OK", daemon, new.token())
        assert record(daemon, signed) == "CREDENTIAL_INVALID"
    assert signed not in deployment.log.read_text(encoding="utf-8")


def test_spiffe_ids_say_the_tenant(run: Run, deployment: Deployment) -> None:
    """By the certificate alone, without any token; the commands bring one, too."""
    tls = {"client_ca": f"{deployment.folder}/ca.pem"}
    identities = {"spiffe://prod.example/ns/{tenant}/sa/bot": ["{tenant}"]}
    with deployment.running(tls=tls, auth={"tokens": "", "identities": identities}) as daemon:
        pair = CA.client("spiffe://prod.example/ns/acme/sa/bot")
        assert record(daemon, "", pair=pair) == "OK"
        assert record(daemon, "", pair=pair, tenant="bolt") == "TENANT_DENIED"
        stranger = CA.client("spiffe://prod.example/ns/acme/sa/web")
        assert record(daemon, "", pair=stranger) == "CREDENTIAL_MISSING"
        assert record(daemon, "") == "UNAVAILABLE"
        cert, key = pair.write(deployment.folder, "caller")
        ours = ("--tls-ca", deployment.folder / "ca.pem", "--tls-cert", cert, "--tls-key", key)
        listed = run("session", "list", "--target", daemon.target, *ours, "--tenant", "acme")
        assert listed.returncode == 0, listed.stderr


def test_limits_are_those_of_the_configuration(deployment: Deployment) -> None:
    """A tenant's own allowance, and that of all others."""
    limits = {"turns_per_day": 1, "tenants": {"acme": {"turns_per_day": 2}}}
    with deployment.running(limits=limits) as daemon:
        assert [record(daemon) for _ in range(3)] == ["OK", "OK", "QUOTA_EXCEEDED"]
        assert [record(daemon, OPERATOR, tenant="bolt") for _ in range(2)] == [
            "OK",
            "QUOTA_EXCEEDED",
        ]


@pytest.mark.parametrize("name", ["server.key", "server.pem", "tokens"])
def test_a_file_that_is_no_good_keeps_the_daemon_from_starting(
    run: Run, deployment: Deployment, name: str
) -> None:
    """`serve` ends with exit 2, `check` warns; both name it and show nothing of it."""
    (deployment.folder / name).write_text("ctxd_secret", encoding="utf-8")
    config = deployment.config()
    started = run("serve", "--config", config, "--listen", "127.0.0.1:0", "--store", "memory:")
    checked = run("check", "--config", config, "--strict")
    assert (started.returncode, checked.returncode) == (2, 1)
    for answer in (started, checked):
        assert name in answer.stderr
        assert "ctxd_secret" not in answer.stderr + answer.stdout


def test_a_daemon_of_ones_own_is_not_guarded(run: Run, deployment: Deployment) -> None:
    """`replay` without a target works beside any configuration."""
    environ = f"{deployment.config(limits={'turns_per_day': 1})}"
    answer = run("replay", SAMPLE, "--quiet", environ={"CONTEXTD_CONFIG": environ})
    assert answer.returncode == 0, answer.stderr
