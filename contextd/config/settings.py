"""The settings as frozen values, and how they are shown."""

from __future__ import annotations

import re
from collections.abc import Mapping  # noqa: TC003 - the hints are read at run time
from dataclasses import dataclass, field, fields, is_dataclass
from functools import lru_cache
from typing import get_type_hints

from contextd.policy.rules import Rules

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Where the daemon listens and how much it takes on.

    Addresses are HOST:PORT, port 0 for any free one; an empty `listen`, `socket` or `ops`
    switches that listener off.  `queue` counts the calls that may wait for one of the
    `concurrency` places, of which all but RecordTurn, which mostly waits for the disk, may
    take `computing`; `drain_seconds` bounds the wait for running calls at a stop, and
    `takeover_seconds` that of a new daemon for an old one to let go of its store.
    `insecure` lets `listen` be open to the network without [tls] and [auth].
    """

    listen: str = "127.0.0.1:7070"
    socket: str = ""
    socket_mode: int = 0o660
    ops: str = "127.0.0.1:7071"
    max_message_bytes: int = 8 << 20
    max_turn_bytes: int = 1 << 20
    concurrency: int = 64
    computing: int = 4
    queue: int = 256
    drain_seconds: float = 20.0
    takeover_seconds: float = 0.0
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class TlsConfig:
    """TLS on `server.listen`, when `cert` and `key` name PEM files; see docs/security.md.

    With `client_ca` every caller must show a certificate that it has signed.  The files are
    looked at every `reload_seconds`, as those of [auth] are; a connection is renewed after
    `connection_minutes` (0: never), so that none outlives its certificates for long.
    """

    cert: str = ""
    key: str = ""
    client_ca: str = ""
    reload_seconds: float = 5.0
    connection_minutes: float = 60.0


@dataclass(frozen=True, slots=True)
class AuthConfig:
    """Who may ask, and for which tenants; without any of it, everybody for all.

    `tokens` names a file of lines from `contextd token new`; `jwks` a file of public keys
    for JSON Web Tokens of `issuer` for `audience`, whose `tenant_claim` holds a tenant or a
    list of them.  `identities` maps SPIFFE ids and DNS names of client certificates to
    tenants: {"spiffe://prod.example/ns/{tenant}/sa/*" = ["{tenant}"]}; ["*"] is all of them.
    """

    tokens: str = ""
    jwks: str = ""
    issuer: str = ""
    audience: str = ""
    tenant_claim: str = "tenant"
    leeway_seconds: float = 30.0
    identities: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def wanted(self) -> bool:
        """Whether a call needs a credential."""
        return bool(self.tokens or self.jwks or self.identities)


@dataclass(frozen=True, slots=True)
class LimitsConfig:
    """What each tenant may do, 0 for no limit; `tenants` has exceptions by tenant and name.

    `calls_per_second` on average and `burst` at once (0: those of a second), `concurrent`
    calls under way, `turns_per_day` recorded.  {"acme" = {calls_per_second = 500}}.
    """

    calls_per_second: float = 0.0
    burst: int = 0
    concurrent: int = 0
    turns_per_day: int = 0
    tenants: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WatchConfig:
    """How many watches may be open, in all and of one tenant; see docs/handoff.md.

    A change that another daemon has written is seen after `poll_seconds` at most; those of
    this one at once.  A watch whose caller has not read for `stall_seconds` is ended.
    """

    streams: int = 256
    tenant_streams: int = 32
    poll_seconds: float = 5.0
    stall_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """Where sessions are kept, as a URL whose scheme chooses the store.

    With `archive`, the URL of another, those in use are kept in the first and all of them in the
    second: while the archive cannot be reached, writes go on until something has waited for it
    for `archive_behind_seconds`; a session that nobody has used for `idle_seconds` is in the
    archive alone.
    """

    url: str = "sqlite:///contextd.db"
    archive: str = ""
    archive_behind_seconds: float = 900.0
    idle_seconds: float = 3_600.0


@dataclass(frozen=True, slots=True)
class SessionsConfig:
    """How much memory hot sessions may take, in MiB; the others are read when needed.

    `import_mib` bounds the lines of a session that is imported, which memory holds meanwhile.
    Every `sweep_seconds` those are erased that the policy keeps no longer.
    """

    capacity_mib: int = 128
    import_mib: int = 64
    sweep_seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class TokenizersConfig:
    """Hugging Face `tokenizer.json` files by pattern of model names ("llama-*")."""

    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EmbedderConfig:
    """The model whose vectors refine retrieval, beside the static ones that are always there.

    `model` is "minilm", "static" for none, or "sentence-transformers:NAME_OR_FOLDER".  A
    query waits for its vector at most `max_wait_ms` and at most `deadline_share` of the
    time its caller has left.  Turns are embedded in the background, about
    `batch_passages` passages at a time.
    """

    model: str = "minilm"
    max_wait_ms: int = 25
    deadline_share: float = 0.25
    batch_passages: int = 16


@dataclass(frozen=True, slots=True)
class BudgetConfig:
    """The budget that is assumed of a session until a caller states one."""

    model: str = ""
    context_window_tokens: int = 32_768
    reserved_output_tokens: int = 4_096


@dataclass(frozen=True, slots=True)
class SummarizerConfig:
    """The model that may retell old turns, asked in the background; see docs/summaries.md.

    `kind` is "none" or "openai", for any endpoint with chat/completions below `url`
    (https://api.openai.com/v1, http://127.0.0.1:11434/v1).  The key is read from the
    variable or the file named here.  `timeout_seconds` bounds one of `retries` + 1 tries;
    after `breaker_failures` in a row the model is left alone for `breaker_seconds`.  At
    most `input_tokens` of a conversation are sent at once; `reasoning` is for models that
    think before they answer.
    """

    kind: str = "none"
    url: str = ""
    model: str = ""
    api_key_env: str = ""
    api_key_file: str = ""
    timeout_seconds: float = 30.0
    retries: int = 1
    breaker_failures: int = 3
    breaker_seconds: float = 60.0
    input_tokens: int = 8_000
    reasoning: bool = False


@dataclass(frozen=True, slots=True)
class PolicyConfig(Rules):
    """The rules that decide, and a file of them, with exceptions by tenant; see docs/policy.md.

    `file` names it; it goes before what is set here, is looked at every `reload_seconds`,
    and takes effect without a restart.
    """

    file: str = ""
    reload_seconds: float = 5.0

    @property
    def rules(self) -> Rules:
        """The rules alone."""
        return Rules(**{each.name: getattr(self, each.name) for each in fields(Rules)})


@dataclass(frozen=True, slots=True)
class WebhookConfig:
    """A URL that is told of handoffs, and the file with the secrets that sign what is sent.

    One secret a line, `whsec_` and base64; two while one is being replaced.
    """

    url: str = ""
    secret_file: str = ""


@dataclass(frozen=True, slots=True)
class WebhooksConfig(WebhookConfig):
    """Who is told when a handoff is raised, claimed or resolved; see docs/deferral.md.

    `url` and `secret_file` are for every tenant that `tenants` does not name.
    `timeout_seconds` bounds one try; how often is tried says the policy
    (`retries.webhooks`).
    """

    timeout_seconds: float = 10.0
    tenants: Mapping[str, WebhookConfig] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LogConfig:
    """What is logged to standard error: the least level, and JSON lines instead of text."""

    level: str = "info"
    json: bool = False


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting of the daemon.  `origins` says where those not left alone came from."""

    server: ServerConfig = field(default_factory=ServerConfig)
    tls: TlsConfig = field(default_factory=TlsConfig)
    auth: AuthConfig = field(default_factory=AuthConfig)
    limits: LimitsConfig = field(default_factory=LimitsConfig)
    watch: WatchConfig = field(default_factory=WatchConfig)
    store: StoreConfig = field(default_factory=StoreConfig)
    sessions: SessionsConfig = field(default_factory=SessionsConfig)
    tokenizers: TokenizersConfig = field(default_factory=TokenizersConfig)
    embedder: EmbedderConfig = field(default_factory=EmbedderConfig)
    budget: BudgetConfig = field(default_factory=BudgetConfig)
    summarizer: SummarizerConfig = field(default_factory=SummarizerConfig)
    webhooks: WebhooksConfig = field(default_factory=WebhooksConfig)
    log: LogConfig = field(default_factory=LogConfig)
    policy: PolicyConfig = field(default_factory=PolicyConfig)
    origins: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting by its dotted name: its type, its value and where that came from."""

    name: str
    kind: object
    value: object
    origin: str

    @property
    def text(self) -> str:
        """The value as a person may see it: modes in octal, passwords hidden."""
        if self.name == "server.socket_mode" and isinstance(self.value, int):
            return f"{self.value:#o}"
        return hide_secrets(self.value) if isinstance(self.value, str) else str(self.value)


def describe(config: Config) -> list[Setting]:
    """Return every setting with its origin, in the order of the sections."""
    return [
        Setting(name, kind, value, config.origins.get(name, DEFAULT))
        for name, kind, value in leaves(config)
        if name != "origins"
    ]


def hide_secrets(text: str) -> str:
    """Replace the password of a URL, in its authority or its query, by three stars."""
    text = re.sub(r"(://[^/@:?]*):\S*@", r"\1:***@", text)
    return re.sub(r"(?i)([?&](?:password|secret|token|key)=)[^&]*", r"\1***", text)


_hints = lru_cache(maxsize=None)(get_type_hints)
"""The types of a class's fields, evaluated once: a policy may have thousands of layers."""


def leaves(node: object, prefix: str = "") -> list[tuple[str, object, object]]:
    """Return (dotted name, type, value) of everything below a dataclass value."""
    if not is_dataclass(node) or isinstance(node, type):
        return []
    found: list[tuple[str, object, object]] = []
    kinds = _hints(type(node))
    for each in fields(node):
        name, value = prefix + each.name, getattr(node, each.name)
        found += leaves(value, f"{name}.") or [(name, kinds[each.name], value)]
    return found
