"""What stands around an account: groups, second factors, other providers."""

from uuid import UUID

from sqlalchemy import Connection, Table, func, select

from chatapp.store.account_tables import group_members, groups, identities, passkeys, recovery_codes


def groups_of(connection: Connection, user_id: UUID) -> list[tuple[UUID, str]]:
    """Return id and name of each group of an account, by name."""
    found = select(groups.c.id, groups.c.name).join(group_members).where(group_members.c.user_id == user_id)
    return [(row.id, row.name) for row in connection.execute(found.order_by(groups.c.name))]


def count_recovery_codes(connection: Connection, user_id: UUID) -> int:
    return _count(connection, recovery_codes, user_id)


def count_passkeys(connection: Connection, user_id: UUID) -> int:
    return _count(connection, passkeys, user_id)


def issuers_of(connection: Connection, user_id: UUID) -> list[str]:
    found = select(identities.c.issuer).where(identities.c.user_id == user_id).order_by(identities.c.issuer)
    return list(connection.execute(found).scalars())


def _count(connection: Connection, table: Table, user_id: UUID) -> int:
    return connection.execute(select(func.count()).select_from(table).where(table.c.user_id == user_id)).scalar_one()
