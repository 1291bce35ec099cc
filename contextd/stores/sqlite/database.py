"""One connection: its tables, and what is done to it as a whole.

Everything here blocks; one thread at a time.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import apsw

from contextd.errors import ContextdError
from contextd.stores.sqlite.accounts import AccountTables
from contextd.stores.sqlite.beside import Beside
from contextd.stores.sqlite.file import translated
from contextd.stores.sqlite.inbox import HandoffTable
from contextd.stores.sqlite.log import Log
from contextd.stores.sqlite.statements import Statements
from contextd.stores.sqlite.work import JobTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Result = TypeVar("Result")


class Database:
    """The tables through one connection."""

    def __init__(
        self,
        connection: apsw.Connection,
        queries: Mapping[str, str],
        copier: apsw.Connection | None = None,
    ) -> None:
        """Use *connection*, which is then this database's to close; so is *copier*.

        Only a database with a copier, which `remains` has given a VFS, does checkpoints.
        """
        self._connection = connection
        self._copier = copier
        statements = Statements(connection, queries)
        self.handoffs = HandoffTable(statements)
        self.accounts = AccountTables(statements)
        self.jobs = JobTable(statements)
        self.beside = Beside(self.handoffs, self.accounts, self.jobs)
        self.log = Log(statements, self.beside)

    def close(self, *, tidy: bool = False) -> None:
        """Close the connection; what it had begun is rolled back.

        With *tidy* the last connection to be closed deletes the WAL, once the file has all of
        it.  Otherwise the WAL stays as it is: SQLite would sync it again, and after a sync that
        failed that proves nothing.

        A disk that fails now must not end the thread that closes: the connection is gone all
        the same, and what it has left behind is for the next opening.
        """
        if self._copier is not None:
            with suppress(apsw.Error):
                self._copier.close(True)  # noqa: FBT003 - "force": also after an error
        with suppress(apsw.Error):
            self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, not tidy)
            self._connection.close(True)  # noqa: FBT003 - "force": also after an error

    def group(self, works: Iterable[Callable[[Database], Result]]) -> list[Result | ContextdError]:
        """Do *works* in one transaction and return what each gave, once it is on disk.

        A work that fails changes nothing and spoils no other.

        Raises:
            apsw.Error: the transaction as a whole failed, or may have.
        """
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            outcomes = [self._attempt(work) for work in works]
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        return outcomes

    def _attempt(self, work: Callable[[Database], Result]) -> Result | ContextdError:
        try:
            return work(self)
        except ContextdError as error:
            return error
        except apsw.Error as error:
            if not self._connection.in_transaction:  # SQLite has rolled back everything
                raise
            return translated(error)

    def pages_written(self) -> int:
        """Return how many pages were written to the WAL since this was asked last."""
        pages, _ = self._connection.status(apsw.SQLITE_DBSTATUS_CACHE_WRITE, reset=True)
        return pages

    def checkpoint(self, *, truncate: bool = False) -> bool:
        """Copy the WAL into the database file and sync that; False if readers are in the way.

        With *truncate* the WAL is emptied too, so that nothing deleted is left in it.  Pages get
        into the file without what SQLite leaves in their middles (`remains`).

        Raises:
            apsw.Error: it failed; the WAL still has everything.
        """
        if self._copier is None:
            raise apsw.MisuseError
        if truncate:  # what the cache has of a page must not come back when it is written
            self._connection.pragma("shrink_memory")
        mode = apsw.SQLITE_CHECKPOINT_TRUNCATE if truncate else apsw.SQLITE_CHECKPOINT_PASSIVE
        try:
            frames, copied = self._copier.wal_checkpoint(mode=mode)
        except apsw.BusyError:
            return False
        return frames == copied

    def prove(self) -> None:
        """Show that the file can be written and synced, and leave nothing to the WAL.

        After a crash, or an error in a commit, the WAL may hold a commit that only the
        page cache knows; here it reaches the database file, synced, before anyone is told
        of it.

        Raises:
            apsw.Error: it cannot.
        """
        version = self._connection.pragma("user_version")
        with self._connection:
            self._connection.pragma("user_version", version)
        if not self.checkpoint(truncate=True):
            raise apsw.BusyError
