"""The use cases around conversations: lists, labels, titles, forks, the end and the way back."""

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from chatapp.core.conversations import Conversation, Place
from chatapp.core.principals import Principal
from chatapp.core.search_terms import Part, Query, marked, query_of, snippet_of
from chatapp.core.titles import title_of
from chatapp.errors import NotFound, StillRunning, StorageBusy
from chatapp.services.access import access_conversation, access_message, access_own_place
from chatapp.store import conversations, forks, messages, search
from chatapp.store.db import Connection, Database

KEPT_DELETED = timedelta(days=7)
INDEXED_AT_ONCE = 200
PURGE_BATCH = 20
PURGE_PAUSE_S = 0.005
# A search shows so many places in one conversation, and looks at so many for each conversation that it shows.
MATCHES_SHOWN = 3
HITS_PER_RESULT = 5


class Listed(msgspec.Struct, frozen=True):
    """A conversation with what is kept beside it; `run_id` is the newest answer in the making."""

    conversation: Conversation
    tags: list[str]
    run_id: UUID | None


class ListPage(msgspec.Struct, frozen=True):
    """Part of a list; `next` is where the rest begins, None at the end."""

    conversations: list[Listed]
    next: Place | None


class Match(msgspec.Struct, frozen=True):
    """A message in which something was found."""

    message_id: UUID
    role: str
    snippet: list[Part]


class Result(msgspec.Struct, frozen=True):
    """A conversation in which something was found, in its title, its messages or both."""

    listed: Listed
    title: list[Part]
    matches: list[Match]


class ResultPage(msgspec.Struct, frozen=True):
    """Part of what a search found; `next` is the entry where the rest begins, None at the end."""

    results: list[Result]
    next: int | None


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What to set of a conversation; a title of None is made automatically again."""

    title: str | UnsetType | None = UNSET
    is_pinned: bool | UnsetType = UNSET
    is_archived: bool | UnsetType = UNSET
    is_summarised: bool | UnsetType = UNSET
    folder: str | UnsetType | None = UNSET
    tags: list[str] | UnsetType = UNSET
    head_id: UUID | UnsetType = UNSET


class Conversations:
    """`stop_runs` ends the answers in the making of a conversation. All methods raise `StorageUnavailable` (503)."""

    def __init__(self, database: Database, stop_runs: Callable[[UUID], None]) -> None:
        self._database = database
        self._stop_runs = stop_runs

    def page(
        self,
        principal: Principal | None,
        *,
        limit: int,
        after: Place | None = None,
        is_archived: bool = False,
        folder: str | None = None,
        tag: str | None = None,
    ) -> ListPage:
        """Return part of a list: pinned conversations first, then by what was used last; a stranger has none."""
        if principal is None:
            return ListPage([], None)
        with self._database.read() as connection:
            found = conversations.page(
                connection,
                principal.owner_id,
                is_archived=is_archived,
                folder=folder,
                tag=tag,
                after=after,
                limit=limit + 1,
            )
            shown = _listed(connection, found[:limit])
        last = found[limit - 1] if len(found) > limit else None
        return ListPage(shown, None if last is None else Place(last.is_pinned, last.activity, last.id))

    def search(self, principal: Principal | None, wanted: str, *, limit: int, before: int | None = None) -> ResultPage:
        """Return conversations that hold all words of `wanted` in their title or in one message, newest find first.

        A conversation with many finds may come again further on.
        Cost: a page looks at `HITS_PER_RESULT` finds for each conversation it may show, and so may show fewer.
        """
        query = query_of(wanted)
        if principal is None or query.is_empty:
            return ResultPage([], None)
        self._index_pending()
        with self._database.read() as connection:
            hits = _hits(connection, principal.owner_id, query, limit=limit, before=before)
            groups: dict[UUID, list[search.Hit]] = {}
            last: search.Hit | None = None
            for hit in hits[: limit * HITS_PER_RESULT]:
                if hit.conversation_id not in groups and len(groups) == limit:
                    break
                groups.setdefault(hit.conversation_id, []).append(hit)
                last = hit
            listed = _listed(connection, conversations.get_all(connection, list(groups)).values())
            shown = {found: [hit.message_id for hit in hits if hit.message_id] for found, hits in groups.items()}
            texts = search.said(connection, [each for ids in shown.values() for each in ids[:MATCHES_SHOWN]])
        by_id = {each.conversation.id: each for each in listed}
        results = [
            Result(
                by_id[found],
                marked(by_id[found].conversation.title, query),
                [
                    Match(each, texts[each][0], snippet_of(texts[each][1], query))
                    for each in ids[:MATCHES_SHOWN]
                    if each in texts
                ],
            )
            for found, ids in shown.items()
            if found in by_id
        ]
        is_end = last is None or last is hits[-1]
        return ResultPage(results, None if is_end or last is None else last.entry_id)

    def _index_pending(self) -> None:
        """Let what was said just now be found too."""
        with self._database.read() as connection:
            has_pending = search.has_pending(connection)
        try:
            while has_pending:
                with self._database.write() as connection:
                    has_pending = search.index_pending(connection, most=INDEXED_AT_ONCE)
        except StorageBusy:
            # The search finds all but the newest.
            return

    def labels(self, principal: Principal | None) -> tuple[list[str], list[str]]:
        """Return the names of the principal's folders and tags."""
        if principal is None:
            return [], []
        with self._database.read() as connection:
            return conversations.folders(connection, principal.owner_id), conversations.tags(
                connection, principal.owner_id
            )

    def get(self, principal: Principal | None, conversation_id: UUID) -> Listed:
        """Raises: `NotFound` (404)."""
        with self._database.read() as connection:
            return _listed(connection, [access_conversation(connection, principal, conversation_id, "read")])[0]

    def create(
        self,
        principal: Principal,
        *,
        title: str | None = None,
        folder: str | None = None,
        tags: Iterable[str] = (),
        fork_of: UUID | None = None,
    ) -> Listed:
        """Make a conversation: an empty one, or one that goes on from a message of another.

        Raises: `NotFound` (404), `StillRunning` (409) for an answer that is not finished.
        """
        with self._database.write() as connection:
            access_own_place(connection, principal)
            source = None
            if fork_of is not None:
                source, until = access_message(connection, principal, fork_of, "read")
                if until.state == "running":
                    raise StillRunning("This answer is still being written.")
            made = conversations.create(
                connection,
                owner_id=principal.owner_id,
                title=title or (source.title if source else ""),
                has_own_title=bool(title) or (source is not None and source.has_own_title),
                folder=folder or (source.folder if source else None),
                is_summarised=source is None or source.is_summarised,
            )
            if source is not None and fork_of is not None:
                forks.copy_path(connection, source, made, fork_of)
            conversations.set_tags(connection, made, tags)
            return _again(connection, made.id)

    def change(self, principal: Principal | None, conversation_id: UUID, changes: Changes) -> Listed:
        """Set what is given and leave the rest.

        Raises: `NotFound` (404), also for a head that is no message of the conversation.
        """
        with self._database.write() as connection:
            found = access_conversation(connection, principal, conversation_id, "write")
            values = {
                name: getattr(changes, name)
                for name in ("is_pinned", "is_archived", "is_summarised", "folder")
                if getattr(changes, name) is not UNSET
            }
            if changes.head_id is not UNSET:
                values["head_id"] = _leaf_below(connection, found, changes.head_id)
            if values:
                conversations.change(connection, found.id, **values)
            if changes.tags is not UNSET:
                conversations.set_tags(connection, found, changes.tags)
            if changes.title is not UNSET:
                title = changes.title or _automatic_title(connection, found)
                conversations.entitle(connection, found, title, is_own=bool(changes.title))
            return _again(connection, found.id)

    def delete(self, principal: Principal | None, conversation_id: UUID) -> None:
        """Take a conversation away, for good after `KEPT_DELETED`; its answers in the making are stopped.

        Raises: `NotFound` (404).
        """
        with self._database.write() as connection:
            found = access_conversation(connection, principal, conversation_id, "delete")
            if found.deleted_at is None:
                conversations.mark_deleted(connection, found.id)
        self._stop_runs(conversation_id)

    def restore(self, principal: Principal | None, conversation_id: UUID) -> Listed:
        """Bring a deleted conversation back; one that is not deleted stays as it is.

        Raises: `NotFound` (404), also once it is gone for good.
        """
        with self._database.write() as connection:
            try:
                found = access_conversation(connection, principal, conversation_id, "restore")
            except NotFound:
                found = access_conversation(connection, principal, conversation_id, "read")
            if found.deleted_at is not None and found.deleted_at < datetime.now(UTC) - KEPT_DELETED:
                # It may be half gone already.
                raise NotFound("There is no such conversation.")
            conversations.change(connection, found.id, deleted_at=None)
            return _again(connection, found.id)

    def purge_deleted(self, now: datetime) -> int:
        """Remove for good what was deleted long enough ago; returns how many conversations that were.

        A little in each transaction, so that nobody waits long.
        """
        purged = 0
        while True:
            with self._database.read() as connection:
                found = conversations.deleted_before(connection, now - KEPT_DELETED, limit=PURGE_BATCH)
            for conversation_id in found:
                is_gone = False
                while not is_gone:
                    with self._database.write() as connection:
                        is_gone = conversations.purge(connection, conversation_id)
                    # Others who write come in between.
                    time.sleep(PURGE_PAUSE_S)
            purged += len(found)
            if len(found) < PURGE_BATCH:
                return purged


def _hits(connection: Connection, owner_id: UUID, query: Query, *, limit: int, before: int | None) -> list[search.Hit]:
    """Return enough finds for a page of `limit` conversations, and one more to say that it goes on.

    Where most finds lie in conversations of their own, a few are enough: the rarer a word, the dearer is each find.
    """
    few = limit + limit // 2 + 1
    first = search.find(connection, owner_id, query, limit=few, before=before)
    if len(first) < few or len({hit.conversation_id for hit in first}) > limit:
        return first
    more = limit * HITS_PER_RESULT + 1 - few
    return first + search.find(connection, owner_id, query, limit=more, before=first[-1].entry_id)


def _listed(connection: Connection, found: Iterable[Conversation]) -> list[Listed]:
    found = list(found)
    ids = [each.id for each in found]
    if not ids:
        return []
    tags, running = conversations.tags_of(connection, ids), conversations.running(connection, ids)
    return [Listed(each, tags[each.id], running.get(each.id)) for each in found]


def _again(connection: Connection, conversation_id: UUID) -> Listed:
    found = conversations.get(connection, conversation_id)
    assert found is not None, "it was there in the same transaction"
    return _listed(connection, [found])[0]


def _leaf_below(connection: Connection, conversation: Conversation, message_id: UUID) -> UUID:
    found = messages.get(connection, message_id)
    if found is None or found.conversation_id != conversation.id:
        raise NotFound("`head_id` is no message of this conversation.")
    return messages.newest_leaf(connection, message_id)


def _automatic_title(connection: Connection, conversation: Conversation) -> str:
    """Return the title that the conversation would have had by itself; none while it is empty."""
    first = messages.children(connection, conversation.id, None)[:1]
    question = messages.get(connection, first[0]) if first else None
    if question is None:
        return ""
    answers = messages.children(connection, conversation.id, question.id)[:1]
    answer = messages.get(connection, answers[0]) if answers else None
    return title_of(question.text, answer.text if answer else "")
