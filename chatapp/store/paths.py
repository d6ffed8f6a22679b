"""The way from a message up to the beginning of its conversation, as SQL that is built once."""

from sqlalchemy import Integer, bindparam, literal, select

from chatapp.store.tables import messages

# For a way that is wanted whole.
NO_LIMIT = 2**31 - 1

_way = (
    select(messages.c.id, messages.c.parent_id, literal(1).label("steps"))
    .where(messages.c.id == bindparam("from_id", type_=messages.c.id.type))
    .cte("path", recursive=True)
)
_above = messages.alias("above")

# At most `most` messages, `from_id` first: its columns are `id`, `parent_id` and `steps`, which counts from 1.
PATH = _way.union_all(
    select(_above.c.id, _above.c.parent_id, _way.c.steps + 1)
    .join(_way, _above.c.id == _way.c.parent_id)
    .where(_way.c.steps < bindparam("most", type_=Integer))
)
