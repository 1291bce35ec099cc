"""A daemon that is broken on purpose, to show that a run finds it.

python -m benchmarks.isolation.mutants NAME serve …
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from contextd.__main__ import main
from contextd.engine.sessions import HotSessions
from contextd.model import SessionKey
from contextd.rpc import decode, gate
from contextd.stores.sqlite import file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SHARED = "everybody"


def gate_open() -> None:
    """The credential's tenant is not compared with the one asked for."""
    gate.tenant_of = lambda principal, asked: asked or min(principal.tenants or {""})


def list_all() -> None:
    """The list of sessions has no tenant in it."""
    _without_tenant("list_sessions")


def find_any() -> None:
    """The store finds and reads a session by its conversation alone."""
    _without_tenant("find_session", "read_records")


def one_key() -> None:
    """Sessions are told apart by their conversation alone."""
    decode.session_key = lambda ref: SessionKey(SHARED, ref.conversation_id)


def one_memory() -> None:
    """Sessions in memory are told apart by their conversation alone."""
    known = HotSessions.get

    def get(self: HotSessions, key: SessionKey) -> Any:  # noqa: ANN401 - what it returns
        return known(self, next((each for each in self._hot if _alike(each, key)), key))

    HotSessions.get = get  # type: ignore[method-assign]


def telling_denial() -> None:
    """A denial names the tenant that was asked for."""
    known = gate.tenant_of

    def tenant_of(principal: Any, asked: str) -> str:  # noqa: ANN401 - a principal
        try:
            return known(principal, asked)
        except Exception as error:
            error.metadata["tenant"] = asked  # type: ignore[attr-defined]
            raise

    gate.tenant_of = tenant_of


def _without_tenant(*names: str) -> None:
    """Take the tenant out of the statements called *names*."""
    known = file.queries

    def queries() -> Mapping[str, str]:
        found = dict(known())
        for name in names:
            found[name] = found[name].replace("tenant = ?1", "?1 = ?1")
        return found

    file.queries = queries


def _alike(one: SessionKey, other: SessionKey) -> bool:
    return replace(one, tenant_id=other.tenant_id) == other


MUTANTS: Mapping[str, Callable[[], None]] = {
    each.__name__.replace("_", "-"): each
    for each in (gate_open, list_all, find_any, one_key, one_memory, telling_denial)
}

if __name__ == "__main__":
    MUTANTS[sys.argv.pop(1)]()
    main()
