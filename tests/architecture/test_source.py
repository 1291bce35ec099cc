"""Each house rule finds what it forbids, and leaves alone what it allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.architecture import source as rules
from tests.architecture.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable

LONG = "def f():\n" + "    x = 1\n" * 50
TOLD = 'def f():\n    """' + "words\n" * 60 + '"""\n    return 1\n'
WIDE = "class P(Protocol):\n" + "".join(f"    def m{n}(self): ...\n" for n in range(8))


def without_optional(source: Source) -> list[str]:
    """The import rule, with torch as the only optional third party."""
    return rules.hidden_imports(source, frozenset({"torch"}))


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (rules.long_files, "\n" * 401),
        (rules.long_functions, LONG),
        (rules.many_positionals, "def f(a, b, c, d, e, g): ..."),
        (rules.many_positionals, "class C:\n    def f(self, a, b, c, d, e, /, g): ..."),
        (rules.wide_protocols, WIDE),
        (rules.vague_names, "class StoreManager: ..."),
        (without_optional, "def f():\n    import json"),
        (without_optional, "def f():\n    from contextd.model import Turn"),
        (rules.mutable_modules, "CACHE = {}"),
        (rules.mutable_modules, "TABLE = {'a': 1}"),
        (rules.mutable_modules, "NAMES: list[str] = ['a']"),
        (rules.mutable_modules, "TABLE: Final = {'a': 1}"),
        (rules.mutable_modules, "LATER: Mapping[str, int] = {}"),
        (rules.mutable_modules, "LOCK = threading.Lock()"),
        (rules.mutable_modules, "@cache\ndef f(): ..."),
        (rules.mutable_modules, "@lru_cache(maxsize=None)\ndef f(): ..."),
        (rules.mutable_modules, "def f():\n    global x\n    x = 1"),
        (rules.chance_and_clock, "import uuid"),
        (rules.chance_and_clock, "from random import Random"),
        (rules.chance_and_clock, "from time import time_ns"),
        (rules.chance_and_clock, "now = time.time()"),
        (rules.chance_and_clock, "now = datetime.datetime.now()"),
        (rules.chance_and_clock, "noise = os.urandom(8)"),
        (rules.impure, "async def f(): ..."),
        (rules.impure, "async def f():\n    await g()"),
        (rules.impure, "print(1)"),
        (rules.impure, "open('x')"),
        (rules.silent_excepts, "try: ...\nexcept Exception: ..."),
        (rules.silent_excepts, "try: ...\nexcept: ..."),
        (rules.silent_excepts, "try: ...\nexcept Exception:\n    if x:\n        raise\n"),
        (
            rules.silent_excepts,
            "try: ...\nexcept (OSError, BaseException):  # noqa: BLE001\n    ...",
        ),
        (rules.silent_exceptions, "x = 1  # noqa: E501"),
        (rules.silent_exceptions, "x = 1  # type: ignore[misc]"),
        (rules.silent_exceptions, "x = 1  # pragma: no cover"),
        (rules.skips, "torch = pytest.importorskip('torch')"),
        (
            rules.skips,
            "@pytest.mark.skipif(not find_spec('torch'), reason='no torch')\ndef f(): ...",
        ),
        (rules.skips, "from pytest import skip\nskip('no torch')"),
    ],
)
def test_finds(rule: Callable[[Source], list[str]], text: str) -> None:
    """What the rule forbids is reported."""
    assert rule(Source("contextd/x.py", text))


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (rules.long_functions, TOLD),
        (rules.many_positionals, "class C:\n    def f(self, a, b, c, d, e, *, g): ..."),
        (without_optional, "def f():\n    import torch.nn"),
        (rules.mutable_modules, "TABLE: Mapping[str, int] = {'a': 1}"),
        (rules.mutable_modules, "TABLE: Final[Mapping[str, int]] = {'a': 1}"),
        (rules.mutable_modules, "__all__ = ['a']"),
        (rules.mutable_modules, "WORDS = frozenset({'a'})"),
        (rules.mutable_modules, "@lru_cache(maxsize=9)\ndef f(): ..."),
        (rules.chance_and_clock, "import time\nstart = time.perf_counter()"),
        (rules.silent_excepts, "try: ...\nexcept OSError: ..."),
        (rules.silent_excepts, "try: ...\nexcept BaseException:\n    close()\n    raise\n"),
        (rules.silent_excepts, "try: ...\nexcept Exception:\n    # the caller is told\n    ..."),
        (
            rules.silent_excepts,
            "try: ...\nexcept Exception:  # noqa: BLE001 – told to the caller\n    ...",
        ),
        (rules.silent_exceptions, "x = 1  # type: ignore[misc]  # the stub is wrong"),
        (rules.skips, "@pytest.mark.extra\ndef f():\n    import torch"),
    ],
)
def test_allows(rule: Callable[[Source], list[str]], text: str) -> None:
    """What the rule allows is not."""
    assert rule(Source("contextd/x.py", text)) == []


def test_a_vague_file_name_is_found() -> None:
    """A file called utils is reported, wherever it lies."""
    assert rules.vague_names(Source("contextd/engine/utils.py", ""))
