"""The end of an account, with everything that is its owner's."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from chatapp.core.principals import Origin
from chatapp.services import audit
from chatapp.services.accounts.administration import refuse_last_admin
from chatapp.services.accounts.sessions import Sessions
from chatapp.services.revoking import revoke
from chatapp.store import conversations, users
from chatapp.store.db import Database

# Others who write come in between.
PAUSE_S = 0.005
BATCH = 50


class Deleting:
    """`stop_runs` ends the answers in the making of a conversation. All methods raise `StorageUnavailable` (503)."""

    def __init__(self, database: Database, sessions: Sessions, stop_runs: Callable[[UUID], None]) -> None:
        self._database = database
        self._sessions = sessions
        self._stop_runs = stop_runs

    def delete(self, user_id: UUID, *, actor_id: UUID, origin: Origin) -> None:
        """Remove an account, first its way in, then what it has, a little in each transaction.

        What is interrupted is taken up by `finish_deletions`. Raises: `Conflict` (409 `last_admin`), `Forbidden` (403).
        """
        with self._database.write() as connection:
            refuse_last_admin(connection, user_id, actor_id=actor_id)
            self._sessions.end_all(connection, user_id)
            users.close(connection, user_id, datetime.now(UTC))
            revoke(connection, user_id)
            audit.record(connection, "account.deleted", origin, actor_id=actor_id, subject_id=user_id)
        self._remove(user_id)

    def finish_deletions(self, _now: datetime) -> None:
        """Remove what is left of accounts whose deletion was interrupted."""
        with self._database.read() as connection:
            closed = users.closed(connection)
        for user_id in closed:
            self._remove(user_id)

    def _remove(self, user_id: UUID) -> None:
        while True:
            with self._database.read() as connection:
                found = conversations.of_owner(connection, user_id, limit=BATCH)
            for conversation_id in found:
                self._stop_runs(conversation_id)
                is_gone = False
                while not is_gone:
                    with self._database.write() as connection:
                        is_gone = conversations.purge(connection, conversation_id)
                    time.sleep(PAUSE_S)
            if not found:
                break
        with self._database.write() as connection:
            users.remove(connection, user_id)
