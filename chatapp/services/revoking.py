"""Ending what is open when the right to it ends: in every worker, within about a second."""

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self
from uuid import UUID

import gevent

from chatapp.core.principals import Principal
from chatapp.errors import AppError, Forbidden, StorageUnavailable, Unauthorized
from chatapp.store import revocations
from chatapp.store.db import Connection, Database
from chatapp.store.revocations import Standing

log = logging.getLogger(__name__)

POLL_S = 0.9
KEPT = timedelta(hours=1)
# A note may become visible after one with a higher number: this many are read again each time.
OVERLAP = 100
# So many rights are looked up in one statement; databases take only so many values.
CHUNK = 500

# Takes the error that the reader is told.
End = Callable[[AppError], None]


def revoke(connection: Connection, owner_id: UUID, credential_id: UUID | None = None) -> None:
    """Let every worker look, once this is committed, whether what is open may go on.

    To be called in the transaction that ends a session or a token, or without `credential_id` in the one that suspends
    or deletes an account. It says where to look, not what is found there: who was restored meanwhile loses nothing.
    """
    revocations.add(connection, owner_id, credential_id)


def suspended() -> Forbidden:
    """Return the error for an account that an administrator has suspended."""
    return Forbidden("This account is suspended. Ask an administrator of this site.", code="account_suspended")


def signed_out() -> Unauthorized:
    """Return the error for a session or token that has ended."""
    return Unauthorized("You are signed out. Sign in again to go on.", code="signed_out")


class Revoked(gevent.GreenletExit):
    """Thrown into a greenlet, wherever it waits, when the right to what it does has ended; `error` says why."""

    def __init__(self, error: AppError) -> None:
        super().__init__(error.code)
        self.error = error


class Watch:
    """Something open that ends with the right to it, until `stop()` or the `with` ends."""

    def __init__(
        self, end: End, owner_id: UUID, credential_id: UUID | None, *, kept_by: "Revocations | None" = None
    ) -> None:
        self.end = end
        self.owner_id = owner_id
        self.credential_id = credential_id
        self._kept_by = kept_by

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        if self._kept_by is not None:
            self._kept_by.forget(self)

    def refusal(self) -> AppError | None:
        """Return why it may not go on, None when it may; costs a look into the database."""
        return None if self._kept_by is None else self._kept_by.refusal(self)


# Of somebody without an account.
_NOTHING = Watch(lambda _: None, UUID(int=0), None)


class Revocations:
    """What is open in this process by the right of an account.

    Cost: while anything is, one look at the notes a second, and one at the rights of what has just begun; else nothing.
    Guests have nothing that could be taken from them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watches: set[Watch] = set()
        # Begun since the last look: the right may have ended between the request's own check and now.
        self._fresh: set[Watch] = set()
        self._newest_id: int | None = None
        self._poller: gevent.Greenlet[..., None] | None = None

    def watching(self, principal: Principal | None, end: End, *, is_for_account: bool = False) -> Watch:
        """Call `end` when the principal's account is suspended or deleted, or their session or token ends.

        `is_for_account`: only what happens to the account counts. `end` is called once, from another greenlet.
        """
        if principal is None or principal.kind != "user":
            return _NOTHING
        credential_id = None if is_for_account else principal.credential_id
        watch = Watch(end, principal.owner_id, credential_id, kept_by=self)
        self._watches.add(watch)
        self._fresh.add(watch)
        if self._poller is None:
            self._newest_id = None
            self._poller = gevent.spawn(self._poll)
        return watch

    def forget(self, watch: Watch) -> None:
        self._watches.discard(watch)
        self._fresh.discard(watch)

    def refusal(self, watch: Watch) -> AppError | None:
        """Return why something may not go on, None when it may or nobody knows."""
        try:
            with self._database.read() as connection:
                return _lost(watch, _standing(connection, {watch}))
        except StorageUnavailable:
            return None

    def look(self) -> None:
        """End what may not go on.

        Raises: `StorageUnavailable`; what has just begun is looked at the next time.
        """
        with self._database.read() as connection:
            due = self._fresh | self._told_of(connection)
            if not due:
                return
            standing = _standing(connection, due)
        self._fresh -= due
        lost = [(watch, error) for watch in due if (error := _lost(watch, standing)) is not None]
        # Readers first, so that they hear why before they hear that the answer has ended.
        for watch, error in sorted(lost, key=lambda each: each[0].credential_id is None):
            if watch in self._watches:
                self.forget(watch)
                watch.end(error)

    def forget_old(self, now: datetime) -> None:
        """Remove the notes that every worker has long seen."""
        with self._database.write() as connection:
            revocations.forget(connection, now - KEPT)

    def _told_of(self, connection: Connection) -> set[Watch]:
        if self._newest_id is None:
            # All that is watched is fresh: what was noted before says nothing that is not looked up anyway.
            self._newest_id = revocations.newest_id(connection)
            return set()
        notes = revocations.after(connection, self._newest_id - OVERLAP)
        if not notes:
            return set()
        self._newest_id = max(self._newest_id, notes[-1].id)
        owners = {note.owner_id for note in notes if note.credential_id is None}
        credentials = {note.credential_id for note in notes if note.credential_id is not None}
        return {each for each in self._watches if each.owner_id in owners or each.credential_id in credentials}

    def _poll(self) -> None:
        while self._watches:
            # Workers that started together need not all come at once.
            gevent.sleep(POLL_S * random.uniform(0.9, 1.1))  # noqa: S311
            try:
                self.look()
            except StorageUnavailable:
                # Told in the log where it was found; requests are refused by themselves meanwhile.
                continue
            except Exception:
                log.exception("revocations.failed")
        self._poller = None


def _standing(connection: Connection, due: set[Watch]) -> Standing:
    """Look the rights of all these up."""
    owners = list({watch.owner_id for watch in due})
    credentials = list({watch.credential_id for watch in due if watch.credential_id is not None})
    found = Standing(frozenset(), frozenset(), frozenset())
    for start in range(0, max(len(owners), len(credentials)), CHUNK):
        part = slice(start, start + CHUNK)
        more = revocations.standing_of(connection, owners[part], credentials[part])
        found = Standing(
            found.active | more.active, found.suspended | more.suspended, found.credentials | more.credentials
        )
    return found


def _lost(watch: Watch, standing: Standing) -> AppError | None:
    """Return what the reader is told, None when the right stands."""
    if watch.credential_id is not None and watch.credential_id not in standing.credentials:
        return signed_out()
    if watch.owner_id in standing.suspended:
        return suspended()
    return None if watch.owner_id in standing.active else signed_out()
