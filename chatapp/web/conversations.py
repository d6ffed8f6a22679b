"""`/conversations`: lists, search, labels, and what can be done with one conversation."""

from typing import Any, TypeVar
from uuid import UUID

from flask import Blueprint, Response, jsonify, request
from msgspec import UNSET

from chatapp.core.conversations import Place
from chatapp.core.search_terms import Part
from chatapp.errors import BadInput, InvalidBody, NotFound
from chatapp.services.conversations import Changes, Listed, Result
from chatapp.services.threads import ThreadPage
from chatapp.web.access import needs
from chatapp.web.context import config, services
from chatapp.web.conversation_results import (
    ConversationChanges,
    ConversationIn,
    ConversationOut,
    ConversationsOut,
    LabelsOut,
    MessageChanges,
    MessageOut,
    MessagesOut,
    ResultsOut,
)
from chatapp.web.messages import as_message
from chatapp.web.openapi import documented
from chatapp.web.paging import MAX_PAGE, as_cursor, bad_place, read_limit, read_place
from chatapp.web.principals import principal, principal_or_new
from chatapp.web.reading import ID_FORM, NOT_TEXT, checked_text, read_json, read_render

bp = Blueprint("conversations", __name__, url_prefix="/conversations")

T = TypeVar("T")

READ_ERRORS = (400, 401, 503)
ONE_ERRORS = (400, 401, 404, 503)
WRITE_ERRORS = (400, 401, 403, 404, 408, 413, 415, 422, 503)
PAGE_QUERY = {"limit": f"How many, at most {MAX_PAGE}.", "cursor": "`next` of the page before."}


@bp.get("")
@documented(
    tag="Conversations",
    summary="Your conversations",
    result=ConversationsOut,
    errors=READ_ERRORS,
    query={
        **PAGE_QUERY,
        "archived": "`true` lists archived conversations instead of the others.",
        "folder": "Only those in this folder.",
        "tag": "Only those with this tag.",
    },
)
@needs("read")
def show_list() -> Response:
    """List conversations: pinned ones first, then by last use; without a credential there are none."""
    found = services().conversations.page(
        principal(),
        limit=read_limit(30),
        after=read_cursor(Place),
        is_archived=_read_flag("archived"),
        folder=read_label("folder"),
        tag=read_label("tag"),
    )
    return jsonify(conversations=[as_conversation(each) for each in found.conversations], next=as_cursor(found.next))


@bp.get("/search")
@documented(
    tag="Conversations",
    summary="Search titles and messages",
    result=ResultsOut,
    errors=READ_ERRORS,
    query={**PAGE_QUERY, "q": "Words that must all be there; the last one may be the beginning of a word."},
)
@needs("read")
def search() -> Response:
    """Find conversations by words in their title or in a message, newest find first; case and accents do not matter."""
    found = services().conversations.search(
        principal(), request.args.get("q", ""), limit=read_limit(20), before=read_cursor(int)
    )
    return jsonify(results=[as_result(each) for each in found.results], next=as_cursor(found.next))


@bp.get("/labels")
@documented(tag="Conversations", summary="Folders and tags in use", result=LabelsOut, errors=READ_ERRORS)
@needs("read")
def labels() -> Response:
    """List the names of all folders and tags."""
    folders, tags = services().conversations.labels(principal())
    return jsonify(folders=folders, tags=tags)


@bp.post("")
@documented(
    tag="Conversations",
    summary="Make a conversation, or fork one",
    body=ConversationIn,
    result=ConversationOut,
    status=201,
    errors=(*WRITE_ERRORS, 409),
)
@needs("write")
def create() -> tuple[Response, int]:
    """Make an empty conversation, or a copy of the path up to a message; sending a message makes one by itself."""
    body = read_json(request, ConversationIn)
    made = services().conversations.create(
        principal_or_new(),
        title=_name(body.title, "title"),
        folder=_name(body.folder, "folder"),
        tags=_names(body.tags),
        fork_of=None if body.fork_of is None else _read_id(body.fork_of, "message"),
    )
    return jsonify(as_conversation(made)), 201


@bp.get("/<conversation_id>")
@documented(tag="Conversations", summary="One conversation", result=ConversationOut, errors=ONE_ERRORS)
@needs("read")
def show(conversation_id: str) -> Response:
    """Return one conversation without its messages."""
    return jsonify(as_conversation(services().conversations.get(principal(), conversation_id_of(conversation_id))))


@bp.patch("/<conversation_id>")
@documented(
    tag="Conversations",
    summary="Change a conversation",
    body=ConversationChanges,
    result=ConversationOut,
    errors=WRITE_ERRORS,
)
@needs("write")
def change(conversation_id: str) -> Response:
    """Rename, pin, archive, file, tag, or show another branch; what is not named stays."""
    body = read_json(request, ConversationChanges)
    changes = Changes(
        title=body.title if body.title is UNSET else _name(body.title, "title"),
        is_pinned=body.pinned,
        is_archived=body.archived,
        is_summarised=body.summarise,
        folder=body.folder if body.folder is UNSET else _name(body.folder, "folder"),
        tags=body.tags if body.tags is UNSET else _names(body.tags),
        head_id=body.head_id if body.head_id is UNSET else _read_id(body.head_id, "message"),
    )
    changed = services().conversations.change(principal(), conversation_id_of(conversation_id), changes)
    return jsonify(as_conversation(changed))


@bp.delete("/<conversation_id>")
@documented(tag="Conversations", summary="Delete a conversation", status=204, errors=(400, 401, 403, 404, 503))
@needs("write")
def delete(conversation_id: str) -> tuple[str, int]:
    """Delete a conversation and stop its answers; for 7 days it can be restored."""
    services().conversations.delete(principal(), conversation_id_of(conversation_id))
    return "", 204


@bp.post("/<conversation_id>/restore")
@documented(
    tag="Conversations",
    summary="Bring a deleted conversation back",
    result=ConversationOut,
    errors=(400, 401, 403, 404, 503),
)
@needs("write")
def restore(conversation_id: str) -> Response:
    """Undo the deletion of a conversation."""
    return jsonify(as_conversation(services().conversations.restore(principal(), conversation_id_of(conversation_id))))


@bp.get("/<conversation_id>/messages")
@documented(
    tag="Conversations",
    summary="Messages, page by page from the end",
    result=MessagesOut,
    errors=ONE_ERRORS,
    takes_render=True,
    query={
        "limit": f"How many, at most {MAX_PAGE}.",
        "before": "The messages before this one.",
        "at": "The newest branch through this message, instead of the one that is shown.",
    },
)
@needs("read")
def show_messages(conversation_id: str) -> Response:
    """Return the last messages of a branch, oldest first, or those before one of them."""
    is_rendered = read_render(request)
    page = services().threads.page(
        principal(),
        conversation_id_of(conversation_id),
        limit=read_limit(30),
        before=read_message_id("before"),
        at=read_message_id("at"),
        is_rendered=is_rendered,
    )
    return jsonify(as_thread(page, with_html=is_rendered))


@bp.patch("/<conversation_id>/messages/<message_id>")
@documented(
    tag="Conversations",
    summary="Rate an answer, keep a message in the context",
    body=MessageChanges,
    result=MessageOut,
    errors=WRITE_ERRORS,
)
@needs("write")
def change_message(conversation_id: str, message_id: str) -> Response:
    """Mark a message; a pinned one is always told to the model."""
    body = read_json(request, MessageChanges)
    marked = services().threads.mark(
        principal(),
        conversation_id_of(conversation_id),
        _read_id(message_id, "message"),
        rating=body.rating,
        is_pinned=body.pinned,
    )
    return jsonify(as_message(marked.message, siblings=marked.siblings))


def as_conversation(listed: Listed) -> dict[str, Any]:
    """Return a conversation as the API shows it."""
    found = listed.conversation
    return {
        "id": str(found.id),
        "title": found.title,
        "has_own_title": found.has_own_title,
        "created_at": found.created_at.isoformat(),
        "updated_at": found.updated_at.isoformat(),
        "pinned": found.is_pinned,
        "archived": found.is_archived,
        "folder": found.folder,
        "tags": listed.tags,
        "head_id": None if found.head_id is None else str(found.head_id),
        "running": None if listed.run_id is None else str(listed.run_id),
        "summarise": found.is_summarised,
    }


def as_result(result: Result) -> dict[str, Any]:
    """Return a find as the API shows it."""
    matches = [
        {"message_id": str(each.message_id), "role": each.role, "snippet": _as_parts(each.snippet)}
        for each in result.matches
    ]
    return {"conversation": as_conversation(result.listed), "title": _as_parts(result.title), "matches": matches}


def as_thread(page: ThreadPage, *, with_html: bool) -> dict[str, Any]:
    """Return part of a path as the API shows it: `messages`, `more`, `summary`."""
    summary = page.summary and {
        "text": page.summary.text,
        "covers": page.summary.covers,
        "until_id": str(page.summary.until_id),
        "model": page.summary.model,
    }
    shown = [as_message(each.message, siblings=each.siblings, with_html=with_html) for each in page.messages]
    return {"messages": shown, "more": page.has_more, "summary": summary}


def conversation_id_of(raw: str) -> UUID:
    """Raises: `NotFound` for what is no id at all."""
    return _read_id(raw, "conversation")


def read_cursor(shape: type[T]) -> T | None:
    """Read `cursor`.

    Raises: `BadInput` (400 `bad_cursor`).
    """
    place: T | None = read_place(shape, "cursor")
    number = place.activity if isinstance(place, Place) else place
    if isinstance(number, int) and not 0 <= number < 2**63:
        raise bad_place("cursor")
    return place


def read_label(name: str) -> str | None:
    """Read the name of a folder or a tag from the address.

    Raises: `BadInput` (400).
    """
    raw = request.args.get(name)
    if raw and NOT_TEXT.search(raw):
        raise BadInput(f"`{name}` holds a NUL or half of a surrogate pair, which is not text.")
    return raw or None


def _read_flag(name: str) -> bool:
    raw = request.args.get(name, "false")
    if raw not in ("true", "false"):
        raise BadInput(f"`{name}` must be true or false.")
    return raw == "true"


def read_message_id(name: str) -> UUID | None:
    raw = request.args.get(name)
    return _read_id(raw, "message") if raw else None


def _read_id(raw: str, what: str) -> UUID:
    if not ID_FORM.match(raw):
        raise NotFound(f"There is no such {what}.")
    return UUID(raw)


def _name(raw: str | None, field: str) -> str | None:
    """Tidy a name that a person gave; one of spaces only is none."""
    return None if raw is None else " ".join(checked_text(raw, field, config()).split()) or None


def _names(raw: list[str]) -> list[str]:
    found = [_name(each, f"tags[{place}]") for place, each in enumerate(raw)]
    if None in found:
        raise InvalidBody("`tags` holds an empty name.")
    return [each for each in found if each is not None]


def _as_parts(parts: list[Part]) -> list[dict[str, Any]]:
    return [{"text": each.text, "match": each.match} for each in parts]
