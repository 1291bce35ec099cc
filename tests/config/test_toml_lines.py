from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextd.config.toml_lines import line_of, lines_of

AWKWARD = '''\
# first = "no key"
plain = 1
[a."b.c" . 'd#e']  # a header = with a comment
"k = [" = "v ] # ["
many = """
[no.header]
x = 1
\\""" still
"""
raw = \'\'\'
y = 2 \'\'
\'\'\'
list = [
  "one", # b = "two [
  {z = 3},
]
dotted . key = {inline = [1,
 2]}
[[rows]]
last = ""
'''


def test_keys_are_found_and_nothing_else() -> None:
    """Comments, strings over several lines and brackets hide what only looks like a key."""
    tomllib.loads(AWKWARD)
    table = ("a", "b.c", "d#e")
    assert lines_of(AWKWARD) == {
        ("plain",): 2,
        ("a",): 3,
        ("a", "b.c"): 3,
        table: 3,
        (*table, "k = ["): 4,
        (*table, "many"): 5,
        (*table, "raw"): 10,
        (*table, "list"): 13,
        (*table, "dotted"): 17,
        (*table, "dotted", "key"): 17,
        ("rows",): 19,
        ("rows", "last"): 20,
    }


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("a", "b.c", "d#e", "dotted", "key", "inline"), 17),
        (("a", "b.c", "d#e", "unknown"), 3),
        (("a", "other"), 3),
        (("rows", "more"), 19),
        (("nothing",), 1),
    ],
)
def test_what_is_not_named_has_the_line_of_what_is_around_it(
    path: tuple[str, ...], line: int
) -> None:
    """A key of an inline table, or one that is missing, is told by its table."""
    assert line_of(lines_of(AWKWARD), path) == line


TEXTS = st.text(alphabet="ab #=[]{}'\",.\n\\", max_size=12)
VALUES = st.one_of(st.integers(), st.booleans(), TEXTS, st.lists(TEXTS, max_size=3))
TABLES = st.dictionaries(TEXTS, st.one_of(VALUES, st.dictionaries(TEXTS, VALUES)), max_size=4)


def quoted(text: str) -> str:
    """Write a text as TOML."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def shown(value: Any) -> str:
    """Write a value as TOML, lists over several lines."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[ # note\n" + "".join(f"  {shown(each)},\n" for each in value) + "]"
    return quoted(value) if isinstance(value, str) else str(value)


@given(TABLES)
def test_every_key_stands_on_its_line(tables: dict[str, Any]) -> None:
    """Whatever keys and values hold, the line that is told begins with the key."""
    flat = {key: value for key, value in tables.items() if not isinstance(value, dict)}
    deep = {key: value for key, value in tables.items() if isinstance(value, dict)}
    text = "".join(f"{quoted(key)} = {shown(value)}\n" for key, value in flat.items())
    for name, table in deep.items():
        text += f"\n[{quoted(name)}]\n"
        text += "".join(f"{quoted(key)} = {shown(value)}\n" for key, value in table.items())
    assert tomllib.loads(text) == tables
    found, lines = lines_of(text), text.split("\n")
    expected: dict[tuple[str, ...], str] = {(key,): f"{quoted(key)} = " for key in flat}
    for name, table in deep.items():
        expected[name,] = f"[{quoted(name)}]"
        expected |= {(name, key): f"{quoted(key)} = " for key in table}
    assert found.keys() == expected.keys()
    assert all(lines[line - 1].startswith(expected[path]) for path, line in found.items())
