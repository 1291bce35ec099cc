"""The statements of one connection, by their names in queries.sql."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    import apsw

Value = bytes | str | int | None
Row = tuple[Any, ...]


class Statements:
    """Runs them.  Everything here blocks; one thread at a time."""

    def __init__(self, connection: apsw.Connection, queries: Mapping[str, str]) -> None:
        """Run *queries* on *connection*."""
        self._connection = connection
        self._sql = queries

    def whole(self) -> AbstractContextManager[object]:
        """Do all that is run within, or nothing of it: a savepoint."""
        return self._connection

    def run(self, query: str, *values: Value) -> int:
        """Run a statement that changes rows and return how many."""
        self._connection.execute(self._sql[query], values)
        return self._connection.changes()

    def inserted(self) -> int:
        """Return the number of the row that was inserted last."""
        return self._connection.last_insert_rowid()

    def row(self, query: str, *values: Value) -> Row | None:
        """Return the first row, if there is one."""
        return cast("Row | None", self._connection.execute(self._sql[query], values).fetchone())

    def rows(self, query: str, *values: Value) -> list[Row]:
        """Return every row."""
        return cast("list[Row]", self._connection.execute(self._sql[query], values).fetchall())

    def next_position(self) -> int:
        """Return a number above all that this returned before, in the life of the file."""
        row = self.row("next_position")
        assert row is not None  # noqa: S101 - the migration puts it there and nothing removes it
        return int(row[0])
