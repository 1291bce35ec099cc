"""The scripts, from the Lua files beside: one per thing that is done to a shard."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha1
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = files("contextd.stores").joinpath("lua")
NAMES = (
    "account append append_account archived backlog delete delete_account doom due evict handoffs "
    "idle jobs_of_tenant lease put_beside read read_beside reserve restore sessions settle tail "
    "writable"
).split()
PARTS = "--!"
"""The line after which the names of the files stand that a script begins with."""


@dataclass(frozen=True, slots=True)
class Script:
    """One of them; the server knows it by the SHA-1 of its source."""

    name: str
    source: str
    sha: str


def _script(name: str) -> Script:
    shebang, parts, body = FOLDER.joinpath(f"{name}.lua").read_text("utf-8").split("\n", 2)
    named = parts.removeprefix(PARTS).split()
    before = "".join(FOLDER.joinpath(f"{part}.lua").read_text("utf-8") for part in named)
    source = f"{shebang}\n{before}{body}"
    return Script(name, source, sha1(source.encode()).hexdigest())  # noqa: S324 - Redis names them so


SCRIPTS: Mapping[str, Script] = MappingProxyType({name: _script(name) for name in NAMES})
