"""What the pages show beside a conversation: the others, in groups by date, or what a search found."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import request

from chatapp.core.principals import Principal
from chatapp.services.conversations import Listed
from chatapp.web.context import services
from chatapp.web.conversations import as_conversation, as_result, read_label
from chatapp.web.paging import as_cursor

PAGE = 30
RESULTS = 20
MAX_QUERY_CHARS = 200


def thread_list(principal: Principal | None) -> dict[str, Any]:
    """Return the list that the page's address asks for by `q`, `folder`, `tag` and `archived`.

    Shape: `groups` of {label, conversations}, `next` (cursor), `query`, `results`, `labels` {folders, tags},
    `has_archived`; conversations and results as the API shows them.
    """
    query = request.args.get("q", "")[:MAX_QUERY_CHARS].strip()
    page = services().conversations.page(
        principal,
        limit=PAGE,
        is_archived=request.args.get("archived") == "true",
        folder=read_label("folder"),
        tag=read_label("tag"),
    )
    results = services().conversations.search(principal, query, limit=RESULTS).results if query else []
    folders, tags = services().conversations.labels(principal)
    return {
        "groups": groups_of(page.conversations, datetime.now(UTC)),
        "next": as_cursor(page.next),
        "query": query,
        "results": [as_result(each) for each in results],
        "labels": {"folders": folders, "tags": tags},
        "has_archived": bool(services().conversations.page(principal, limit=1, is_archived=True).conversations),
    }


def groups_of(listed: Iterable[Listed], now: datetime) -> list[dict[str, Any]]:
    """Put a list into groups by the day of the last use, in UTC: the server does not know where the reader is."""
    groups: list[dict[str, Any]] = []
    for each in listed:
        label = "Pinned" if each.conversation.is_pinned else _label_of(each.conversation.updated_at, now)
        if not groups or groups[-1]["label"] != label:
            groups.append({"label": label, "conversations": []})
        groups[-1]["conversations"].append(as_conversation(each))
    return groups


def _label_of(moment: datetime, now: datetime) -> str:
    days = (now.astimezone(UTC).date() - moment.astimezone(UTC).date()) // timedelta(days=1)
    if days <= 0:
        return "Today"
    if days == 1:
        return "Yesterday"
    if days <= 7:
        return "Previous 7 days"
    if days <= 30:
        return "Previous 30 days"
    return f"{moment:%B %Y}"
