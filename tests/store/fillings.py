"""Rows for databases of the first version, written without the code of today."""

from uuid import UUID

from sqlalchemy import Uuid, bindparam, text

from chatapp.store.db import Database

OWNER = UUID("01900000-0000-7000-8000-000000000001")
CONVERSATION = UUID("01900000-0000-7000-8000-000000000002")
MOMENT = "2026-01-02 03:04:05.000006+00:00"


def fill_first_version(database: Database) -> None:
    """One owner with one conversation of 604 messages, the last of them unfinished."""
    ids = [UUID(int=CONVERSATION.int + 1 + number) for number in range(604)]
    said = [f"word{number} or other" for number in range(603)]
    rows = [
        {
            "id": message_id,
            "parent": ids[place - 1] if place else None,
            "seq": place + 1,
            "role": "assistant" if place % 2 else "user",
            "text": [*said, "unfinished"][place],
            "state": "running" if place == 603 else "complete",
        }
        for place, message_id in enumerate(ids)
    ]
    kept = {"owner": OWNER, "conversation": CONVERSATION, "moment": MOMENT[:26] if database.is_sqlite else MOMENT}
    with database.write() as connection:
        connection.execute(_sql("INSERT INTO owners (id, kind, created_at) VALUES (:owner, 'guest', :moment)"), kept)
        connection.execute(
            _sql(
                "INSERT INTO conversations (id, owner_id, title, created_at, updated_at, activity, last_seq) "
                "VALUES (:conversation, :owner, 'Crème brûlée', :moment, :moment, 1, 604)"
            ),
            kept,
        )
        connection.execute(
            _sql(
                "INSERT INTO messages (id, conversation_id, parent_id, seq, role, text, state, created_at) "
                "VALUES (:id, :conversation, :parent, :seq, :role, :text, :state, :moment)"
            ),
            [row | kept for row in rows],
        )


def _sql(statement: str):
    names = [name for name in ("owner", "conversation", "id", "parent") if f":{name}" in statement]
    return text(statement).bindparams(*(bindparam(name, type_=Uuid()) for name in names))
