"""The tables of accounts: who there is, how they prove it, what they may do, what was done."""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    Uuid,
    text,
)

from chatapp.store.tables import UTCDateTime, id_column, metadata, reference


def key_column(name: str, length: int) -> Column[Any]:
    """Return a column that is searched by how it begins: in the order of its code points on every database."""
    kind = String(length).with_variant(String(length, collation="C"), "postgresql")
    return Column(name, kind, nullable=False)


# Whoever makes or compares tables takes all of them from here: `metadata` holds those of `tables` as well.
__all__ = ["metadata"]

# An account is an owner who can prove who they are; it has the owner's id.
users = Table(
    "users",
    metadata,
    reference("owners.id", "id", primary_key=True),
    # As `core.accounts.email_key` folds it: two spellings of one address are one account.
    key_column("email_key", 254),
    Column("email", String(254), nullable=False),
    Column("name", String(100), nullable=False),
    # As `core.accounts.name_key` folds it.
    key_column("name_key", 200),
    Column("language", String(35), nullable=False),
    Column("theme", String(10), nullable=False),
    Column("role", String(10), nullable=False),
    # None for who signs in by a passkey or by another provider only.
    Column("password_hash", String(200)),
    # Encrypted, see `services.encryption`; without the time of confirmation it is not in use yet.
    Column("totp_secret", LargeBinary),
    Column("totp_confirmed_at", UTCDateTime),
    # The last step of time whose code was taken: a code is taken once.
    Column("totp_last_step", BigInteger),
    Column("created_at", UTCDateTime, nullable=False),
    # When the address was proven by a link, None before; only asked for where mail can be sent.
    Column("confirmed_at", UTCDateTime),
    Column("suspended_at", UTCDateTime),
    Column("last_seen_at", UTCDateTime),
    UniqueConstraint("email_key"),
    Index("ix_users_created_at", "created_at", "id"),
    Index("ix_users_name_key", "name_key", "id"),
    # The few among the many.
    Index("ix_users_admins", "id", sqlite_where=text("role = 'admin'"), postgresql_where=text("role = 'admin'")),
)

# Things of which there is one in the whole server, such as the first admin: who inserts the row has won.
claims = Table(
    "claims", metadata, Column("name", String(40), primary_key=True), Column("user_id", Uuid, nullable=False)
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    reference("users.id", "user_id", primary_key=True),
    Column("code_hash", String(64), primary_key=True),
)

passkeys = Table(
    "passkeys",
    metadata,
    id_column(),
    reference("users.id", "user_id"),
    Column("credential_id", LargeBinary, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("transports", JSON, nullable=False),
    Column("name", String(100), nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("last_used_at", UTCDateTime),
    UniqueConstraint("credential_id"),
    Index("ix_passkeys_user_id", "user_id"),
)

# Who a person is at another provider (OpenID Connect).
identities = Table(
    "identities",
    metadata,
    Column("issuer", String(300), primary_key=True),
    Column("subject", String(255), primary_key=True),
    reference("users.id", "user_id"),
    Column("created_at", UTCDateTime, nullable=False),
    Index("ix_identities_user_id", "user_id"),
)

# Signed in: a browser, by its cookie, or a program, by its refresh token.
sessions = Table(
    "sessions",
    metadata,
    id_column(),
    reference("users.id", "user_id"),
    Column("kind", String(10), nullable=False),
    Column("secret_hash", String(64), nullable=False),
    # The refresh token before: whoever shows it has a copy, and the session ends.
    Column("previous_hash", String(64)),
    # Words apart by spaces; None for everything that the person may do.
    Column("scopes", String(200)),
    Column("agent", String(200), nullable=False),
    Column("address", String(64), nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("last_seen_at", UTCDateTime, nullable=False),
    Column("expires_at", UTCDateTime, nullable=False),
    # When the person last proved who they are.
    Column("confirmed_at", UTCDateTime, nullable=False),
    UniqueConstraint("secret_hash"),
    Index("ix_sessions_previous_hash", "previous_hash"),
    Index("ix_sessions_user_id", "user_id"),
    Index("ix_sessions_expires_at", "expires_at"),
)

personal_tokens = Table(
    "personal_tokens",
    metadata,
    id_column(),
    reference("users.id", "user_id"),
    Column("name", String(100), nullable=False),
    Column("secret_hash", String(64), nullable=False),
    Column("last_four", String(4), nullable=False),
    Column("scopes", String(200), nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("expires_at", UTCDateTime),
    Column("last_used_at", UTCDateTime),
    UniqueConstraint("secret_hash"),
    Index("ix_personal_tokens_user_id", "user_id"),
)

# Something begun that its bearer may finish once: a link by mail, a second step of signing in.
tickets = Table(
    "tickets",
    metadata,
    id_column(),
    Column("kind", String(20), nullable=False),
    Column("secret_hash", String(64), nullable=False),
    reference("users.id", "user_id", nullable=True),
    Column("data", JSON, nullable=False),
    Column("expires_at", UTCDateTime, nullable=False),
    UniqueConstraint("secret_hash"),
    Index("ix_tickets_user_id", "user_id"),
    Index("ix_tickets_expires_at", "expires_at"),
)

groups = Table(
    "groups",
    metadata,
    id_column(),
    Column("name", String(100), nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    UniqueConstraint("name"),
)

group_members = Table(
    "group_members",
    metadata,
    reference("groups.id", "group_id", primary_key=True),
    reference("users.id", "user_id", primary_key=True),
    Index("ix_group_members_user_id", "user_id"),
)

invitations = Table(
    "invitations",
    metadata,
    id_column(),
    Column("secret_hash", String(64), nullable=False),
    # For this address only; None for whoever has the link.
    Column("email_key", String(254)),
    Column("role", String(10), nullable=False),
    reference("groups.id", "group_id", nullable=True),
    Column("created_by", Uuid, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("expires_at", UTCDateTime, nullable=False),
    Column("used_by", Uuid),
    Column("used_at", UTCDateTime),
    UniqueConstraint("secret_hash"),
    Index("ix_invitations_created_at", "created_at", "id"),
    Index("ix_invitations_group_id", "group_id"),
)

# A person's own keys for model providers, encrypted.
provider_keys = Table(
    "provider_keys",
    metadata,
    id_column(),
    reference("users.id", "user_id"),
    Column("name", String(100), nullable=False),
    # Where the key may go, and nowhere else.
    Column("base_url", String(300), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("last_four", String(4), nullable=False),
    # What the provider said it offers when the key was tested.
    Column("models", JSON, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("last_used_at", UTCDateTime),
    UniqueConstraint("user_id", "name"),
)

# What happened that matters to security. No reference: it outlives whom it tells of.
audit_events = Table(
    "audit_events",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", UTCDateTime, nullable=False),
    Column("kind", String(50), nullable=False),
    # Who did it, and to whom.
    Column("actor_id", Uuid),
    Column("subject_id", Uuid),
    Column("address", String(64), nullable=False),
    Column("request_id", String(40), nullable=False),
    Column("facts", JSON, nullable=False),
    Index("ix_audit_events_subject_id", "subject_id", "id"),
    Index("ix_audit_events_actor_id", "actor_id", "id"),
    Index("ix_audit_events_kind", "kind", "id"),
    Index("ix_audit_events_at", "at"),
    sqlite_autoincrement=True,
)

# Rights that ended: every worker looks here for the streams it has to end. Kept for an hour.
revocations = Table(
    "revocations",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("owner_id", Uuid, nullable=False),
    # One session or token; None for all that the owner has.
    Column("credential_id", Uuid),
    Column("at", UTCDateTime, nullable=False),
    Index("ix_revocations_at", "at"),
    sqlite_autoincrement=True,
)

# How often somebody tried: a name for what and who, as a hash.
attempts = Table(
    "attempts",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("count", Integer, nullable=False),
    Column("expires_at", UTCDateTime, nullable=False),
    Index("ix_attempts_expires_at", "expires_at"),
)
