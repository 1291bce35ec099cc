"""What the engine needs from the outside, in small contracts.

"Must" binds every adapter and is checked by `contextd.testing`; "need not" is freedom.
All methods may be called concurrently from one event loop unless they say otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from contextd.events import Record
    from contextd.model import Draft, Durability, Retelling, SessionKey
    from contextd.policy.access import Credentials, Principal
    from contextd.policy.policies import Policy


@dataclass(frozen=True, slots=True)
class Commit:
    """Records to append to one session, all or none; at least one.

    `expected_revision` is the number of records the session must hold before (0: it must
    not exist).  `request_id`, if not empty, makes the commit idempotent within the
    session; `digest` tells a retry from another request under the same id.
    """

    records: tuple[Record, ...]
    expected_revision: int
    request_id: str = ""
    digest: str = ""

    def __post_init__(self) -> None:
        """Refuse a commit of nothing, which no log could show."""
        if not self.records:
            raise ValueError("a commit holds at least one record")


@dataclass(frozen=True, slots=True)
class Appended:
    """The outcome of a commit.

    `revision` is that of the commit's last record.  When `replayed`, nothing was written:
    the request id was already there, and `revision` is that of the first commit.
    """

    revision: int
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a server shows in a TLS handshake, in PEM.

    With `client_ca`, callers must show a certificate that it has signed.  `not_after` is
    the end of its validity, in seconds since 1970.
    """

    chain: bytes
    key: bytes = field(repr=False)
    client_ca: bytes | None
    not_after: float


class Authenticator(Protocol):
    """Knows who asks."""

    def principal(self, credentials: Credentials) -> Principal:
        """Return whom *credentials* stand for; must not block, and must cost little.

        Raises:
            CredentialMissing, CredentialInvalid, CredentialExpired: nobody that is known.
        """


class Policies(Protocol):
    """Knows which rules are in force for whom."""

    def of(self, tenant_id: str) -> Policy:
        """Return the policy of a tenant, which need not be known by name.

        Must answer from memory, at once.  What is in force may change from call to call, so
        that whoever decides asks once, at the beginning, and goes by the answer to the end.
        """
        ...


class SessionStore(Protocol):
    """Keeps the logs of sessions."""

    @property
    def durability(self) -> Durability:
        """How safe an acknowledged append is."""

    async def append(self, key: SessionKey, commit: Commit) -> Appended:
        """Append and return once the records are as durable as the store promises.

        Must be all-or-nothing, also under cancellation and a crash: a cancelled append
        has either happened or not, never half.  Must look for the request id before it
        compares revisions, so that a retry is answered even when the session moved on.

        Raises:
            RequestIdReused: the request id is there with another digest.
            RevisionConflict: the session is not at `expected_revision`; nothing changed.
            StoreUnavailable, StoreClosed: nothing may be assumed about the write.
        """

    async def read(self, key: SessionKey, after: int = 0) -> Sequence[Record]:
        """Return the records with a revision above *after*, oldest first.

        Must see every append acknowledged before the call.  Must return an empty
        sequence for a session that does not exist.
        """

    async def delete(self, key: SessionKey) -> dict[str, int]:
        """Remove the session and its request ids; return how many items of each kind.

        Must be idempotent: a session that is not there gives zero counts.  After it
        returns, `read` gives nothing and the same request ids are free again.
        """

    async def sessions(
        self, tenant_id: str, after: str = "", limit: int = 100
    ) -> Sequence[tuple[str, int]]:
        """Return (conversation id, revision) of a tenant, in byte order of the id.

        *after* is the last id of the page before; at most *limit* entries.
        """

    async def ready(self) -> bool:
        """Say whether the store can take a write now.

        Must answer within a second, also while the backend hangs; must not raise.
        """

    async def aclose(self) -> None:
        """Finish what was accepted and let go of every resource.

        Must be idempotent.  Afterwards every other method raises StoreClosed, but `ready`
        returns False.
        """


class VectorStore(Protocol):
    """Keeps the vectors of turns, so that none is computed twice.

    `SessionStore.delete` must remove those of the session, too, counted as "vectors".
    """

    async def put_vectors(self, key: SessionKey, space: str, rows: Mapping[int, bytes]) -> None:
        """Keep *rows*, packed vectors by turn number, in place of what these turns had.

        *space* names what made them.  Must do nothing for a session that does not exist:
        it has been deleted.  They need not be durable on return, since they can be
        computed again.

        Raises:
            StoreUnavailable, StoreClosed: some may have been kept.
        """

    async def read_vectors(
        self, key: SessionKey, space: str, after: int = 0
    ) -> Mapping[int, bytes]:
        """Return what was kept in *space* for the turns above *after*, byte for byte.

        Must see every `put_vectors` that returned before.
        """


class StretchStore(Protocol):
    """Keeps the index of stretches of turns, so that no session in use is indexed twice.

    `SessionStore.delete` must remove those of the session, too, counted as "stretches".
    """

    async def put_stretch(self, key: SessionKey, method: str, first: int, body: bytes) -> None:
        """Keep *body* for the stretch that begins with turn *first*, in place of what it had.

        *method* names how turns were read.  Must do nothing for a session that does not
        exist: it has been deleted.  It need not be durable on return.

        Raises:
            StoreUnavailable, StoreClosed: it may have been kept.
        """

    async def read_stretches(self, key: SessionKey, method: str) -> Mapping[int, bytes]:
        """Return what was kept by *method*, by first turn, in order, byte for byte.

        Must see every `put_stretch` that returned before.
        """


class Store(SessionStore, VectorStore, StretchStore, Protocol):
    """All of them, over one backend."""


class Tokenizer(Protocol):
    """Counts the tokens of one encoding.  Pure, thread-safe, no network."""

    @property
    def name(self) -> str:
        """The encoding ("o200k_base"); stored beside every count."""

    @property
    def exact(self) -> bool:
        """False when counts stand for another model's encoding, with a safety margin."""

    def count(self, text: str) -> int:
        """Return the tokens of *text*; special tokens count as plain text.

        Must not raise for any string.  Must take time proportional to its length.
        """

    def ends(self, text: str, head: int, tail: int) -> tuple[str, str]:
        """Return a beginning of at most *head* and an end of at most *tail* tokens.

        Must not split a character; together they must not exceed *text*.
        """


class Tokenizers(Protocol):
    """Chooses the tokenizer of a model."""

    def for_model(self, model: str) -> Tokenizer:
        """Return the tokenizer for *model*; must answer for every name, also ""."""

    def named(self, encoding: str) -> Tokenizer:
        """Return the tokenizer called *encoding* in an earlier count."""


class Embedder(Protocol):
    """Turns texts into unit vectors.  Pure, thread-safe, no network."""

    @property
    def model_id(self) -> str:
        """Names the model and its version; vectors of two ids must not be compared."""

    @property
    def dimensions(self) -> int:
        """The length of a vector."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row a text, shape (len(texts), dimensions), each of unit length.

        A text without a known token gives a row of zeros.  Must not raise for any string.
        A row must not depend on the texts beside it, but for rounding, nor be changed by a
        later call.  Must look at a bounded beginning of a text only, so that a huge one takes
        no longer than that.
        """


class Summarizer(Protocol):
    """Asks a model to retell turns.  Slow, and not to be trusted: what it gives is checked.

    Only work in the background may wait for it.
    """

    async def write(self, task: Retelling) -> Draft:
        """Return what the model answers to *task*.

        Must answer or give up within a bounded time, also while the model hangs, and must
        be cancellable at every moment.  Must not show a key or the task's text in an error.
        It need not look at what the answer says.

        Raises:
            SummarizerUnavailable: there is no answer; another time there may be one.
        """

    async def aclose(self) -> None:
        """Let go of every connection.  Must be idempotent."""


class Observer(Protocol):
    """Hears what happens, for metrics and logs.  Must return at once and never raise."""

    def stage(self, stage: str, seconds: float) -> None:
        """A stage of some call took *seconds*."""

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        """Something countable happened; labels have few distinct values."""


Clock = Callable[[], int]
"""Returns the wall time in microseconds since the Unix epoch."""

NewId = Callable[[], str]
"""Returns a new unique id."""
