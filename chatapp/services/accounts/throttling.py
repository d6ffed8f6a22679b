"""How often somebody may try: counted before any dear work, for all workers together."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

from chatapp.errors import TooManyAttempts
from chatapp.store import attempts
from chatapp.store.db import Database


class Throttle:
    """Counts attempts in the database. All methods raise `StorageUnavailable` (503): without it nobody may try."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def check(self, what: str, who: str, *, limit: int, within_s: int) -> None:
        """Count an attempt at `what` by, or on, `who`.

        Raises: `TooManyAttempts` (429) after `limit` of them within `within_s` seconds.
        """
        now = datetime.now(UTC)
        with self._database.write() as connection:
            count, forgotten_at = attempts.count(
                connection, _key(what, who), now=now, until=now + timedelta(seconds=within_s)
            )
        if count > limit:
            wait_s = max(1, round((forgotten_at - now).total_seconds()))
            raise TooManyAttempts(f"Too many attempts. Try again in {_in_words(wait_s)}.", retry_after_s=wait_s)

    def forget(self, what: str, who: str) -> None:
        """Begin counting anew, after a success."""
        with self._database.write() as connection:
            attempts.forget(connection, _key(what, who))

    def give_back(self, what: str, who: str) -> None:
        """Have one attempt not count, after a success of somebody whom others' attempts count with."""
        with self._database.write() as connection:
            attempts.take_back(connection, _key(what, who))

    def remember(self, what: str, who: str, *, within_s: int) -> None:
        """Know for so many seconds that `who` did `what`."""
        with self._database.write() as connection:
            attempts.remember(connection, _key(what, who), until=datetime.now(UTC) + timedelta(seconds=within_s))

    def remembers(self, what: str, who: str) -> bool:
        with self._database.read() as connection:
            return attempts.is_known(connection, _key(what, who), datetime.now(UTC))

    def clean_up(self, now: datetime) -> None:
        with self._database.write() as connection:
            attempts.remove_expired(connection, now)


def _key(what: str, who: str) -> str:
    """Return one name of fixed length: addresses and e-mail addresses need not lie about."""
    return sha256(f"{what}\0{who}".encode("utf-8", "surrogatepass")).hexdigest()


def _in_words(seconds: int) -> str:
    if seconds < 90:
        return f"{seconds} seconds"
    return f"{round(seconds / 60)} minutes"
