"""Accounts at other providers, on both databases."""

from uuid import UUID

from chatapp.store import identities, users
from chatapp.store.db import Database

ISSUER = "https://id.example.com"


def test_an_identity_belongs_to_one_account(database: Database) -> None:
    """Whoever comes second is told, and the transaction goes on."""
    ada, bob = UUID(int=1), UUID(int=2)
    with database.write() as connection:
        for user_id in (ada, bob):
            email = f"{user_id}@example.com"
            users.add(
                connection, user_id=user_id, email=email, name="A", role="user", password_hash=None, confirmed_at=None
            )
        added = [
            identities.add(connection, ISSUER, subject, user_id)
            for subject, user_id in (("one", ada), ("one", bob), ("one", ada), ("One", bob))
        ]

    with database.read() as connection:
        found = [identities.find_user(connection, ISSUER, subject) for subject in ("one", "One", "ONE")]
        kept = [each.subject for each in identities.of_user(connection, ada)]
    assert added == [True, False, False, True]
    assert found == [ada, bob, None], "case is part of a subject"
    assert kept == ["one"]
