"""A daemon that is broken on purpose, to show that a run finds it.

python -m benchmarks.isolation.mutants NAME serve …
"""

from __future__ import annotations

import re
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


def watch_all_handoffs() -> None:
    """What a watch tells has no tenant in it."""
    _without_tenant("list_handoff_changes")


def lend_all() -> None:
    """A worker is lent what waits of anybody."""
    _without_tenant("lease_jobs_of_tenant", of="?6")


def resend_any_notice() -> None:
    """What was given up is sent again by whoever knows its id."""
    _without_tenant("revive_job", of="?2")


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


def _without_tenant(*names: str, of: str = "?1") -> None:
    """Take the tenant, the parameter *of*, out of the statements called *names*."""
    known = file.queries

    def queries() -> Mapping[str, str]:
        found = dict(known())
        for name in names:
            text = found[name]
            found[name] = re.sub(rf"(\w+\.)?tenant = {re.escape(of)}", f"{of} = {of}", text)
            if found[name] == text:
                raise ValueError(f"{name} has no tenant {of}")
        return found

    file.queries = queries


def _alike(one: SessionKey, other: SessionKey) -> bool:
    return replace(one, tenant_id=other.tenant_id) == other


MUTANTS: Mapping[str, Callable[[], None]] = {
    each.__name__.replace("_", "-"): each
    for each in (
        gate_open,
        list_all,
        find_any,
        watch_all_handoffs,
        lend_all,
        resend_any_notice,
        one_key,
        one_memory,
        telling_denial,
    )
}

if __name__ == "__main__":
    MUTANTS[sys.argv.pop(1)]()
    main()
