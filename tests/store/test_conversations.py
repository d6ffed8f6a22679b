"""Conversations: lists, labels, titles, forks, deletion; the same on both databases."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text, update
from uuid_utils.compat import uuid7

from chatapp.core.conversations import Place
from chatapp.core.principals import Principal
from chatapp.errors import AppError, Conflict, InvalidBody, NotFound
from chatapp.services.conversations import Changes, Conversations, Listed
from chatapp.services.threads import Threads
from chatapp.store import messages, tables
from chatapp.store.db import Database
from tests.store.conftest import add_messages, new_owner


@pytest.fixture
def stopped() -> list[UUID]:
    """The conversations whose runs were stopped."""
    return []


@pytest.fixture
def service(database: Database, stopped: list[UUID]) -> Conversations:
    return Conversations(database, stop_runs=stopped.append)


@pytest.fixture
def threads(database: Database) -> Threads:
    return Threads(database)


def titles(listed: list[Listed]) -> list[str]:
    return [each.conversation.title for each in listed]


def all_titles(service: Conversations, principal: Principal, *, limit: int = 2, **which: object) -> list[str]:
    """The whole list, page by page."""
    found: list[str] = []
    after: Place | None = None
    while True:
        page = service.page(principal, limit=limit, after=after, **which)
        found += titles(page.conversations)
        after = page.next
        if after is None:
            return found


def set_columns(database: Database, conversation_id: UUID, **values: object) -> None:
    with database.write() as connection:
        connection.execute(
            update(tables.conversations).where(tables.conversations.c.id == conversation_id).values(**values)
        )


def test_a_list_shows_pinned_ones_first_then_by_last_use(
    database: Database, service: Conversations, principal: Principal
) -> None:
    """Archived and deleted ones are elsewhere."""
    made = {name: service.create(principal, title=name).conversation for name in "abcdefg"}
    service.change(principal, made["b"].id, Changes(is_pinned=True))
    service.change(principal, made["c"].id, Changes(is_archived=True))
    service.delete(principal, made["d"].id)
    with database.write() as connection:
        messages.next_seq(connection, made["a"].id, owner_id=principal.owner_id, count=1, head_id=uuid7())

    assert all_titles(service, principal) == ["b", "a", "g", "f", "e"]
    assert all_titles(service, principal, is_archived=True) == ["c"]
    assert all_titles(service, Principal(owner_id=new_owner(database))) == []
    assert service.page(None, limit=5).conversations == []


def test_order_does_not_follow_the_clock(database: Database, service: Conversations, principal: Principal) -> None:
    """Clocks are set back; what was used last stays on top, and times stay aware and in UTC."""
    made = [service.create(principal, title=f"{number}").conversation for number in range(3)]
    for years, each in enumerate(made):
        long_ago = datetime(2020 - years, 1, 1, tzinfo=UTC)
        set_columns(database, each.id, created_at=long_ago, updated_at=long_ago)

    page = service.page(principal, limit=5)

    assert titles(page.conversations) == ["2", "1", "0"]
    assert page.conversations[0].conversation.updated_at == datetime(2018, 1, 1, tzinfo=UTC)
    assert made[0].created_at.utcoffset() == timedelta(0)


def test_paging_misses_and_doubles_nothing_while_others_write(service: Conversations, principal: Principal) -> None:
    """Each page goes on where the one before ended, not at a number."""
    for number in range(9):
        service.create(principal, title=f"{number}")
    found: list[str] = []
    after = None

    for _ in range(3):
        page = service.page(principal, limit=3, after=after)
        found += titles(page.conversations)
        after = page.next
        service.create(principal, title="new")
        newest = service.page(principal, limit=1).conversations[0].conversation
        service.delete(principal, newest.id)
        service.create(principal, title="new")

    assert found == [f"{number}" for number in range(8, -1, -1)]


def test_folders_and_tags_narrow_a_list(service: Conversations, principal: Principal) -> None:
    """And paging works in them alike."""
    for number in range(6):
        service.create(
            principal, title=f"{number}", folder="Even" if number % 2 == 0 else None, tags=["x", f"{number}"]
        )
    first = service.page(principal, limit=1, tag="0").conversations[0]
    service.change(principal, first.conversation.id, Changes(is_pinned=True, tags=["y", "x", "y"]))

    assert all_titles(service, principal, folder="Even") == ["0", "4", "2"]
    assert all_titles(service, principal, tag="x") == ["0", "5", "4", "3", "2", "1"]
    assert all_titles(service, principal, tag="x", folder="Even") == ["0", "4", "2"]
    assert all_titles(service, principal, tag="0") == []
    assert service.get(principal, first.conversation.id).tags == ["x", "y"]


def test_labels_name_each_folder_and_tag_once(database: Database, service: Conversations, principal: Principal) -> None:
    """Only one's own, in alphabetical order."""
    for folder in ("Work", "home", "Work", None, "Élan"):
        service.create(principal, folder=folder, tags=["b", "a", folder or "c"])
    service.create(Principal(owner_id=new_owner(database)), folder="Foreign", tags=["foreign"])
    gone = service.create(principal, folder="Gone").conversation
    service.delete(principal, gone.id)

    folders, tags = service.labels(principal)

    assert folders == ["home", "Work", "Élan"]
    assert tags == ["a", "b", "c", "home", "Work", "Élan"]
    assert service.labels(None) == ([], [])


def test_a_title_is_ones_own_until_it_is_taken_back(
    database: Database, service: Conversations, principal: Principal
) -> None:
    """Then it is made from the first exchange again."""
    made = add_messages(database, principal.owner_id, ["Hi!", "Let us talk about tea."])

    named = service.change(principal, made, Changes(title="My tea")).conversation
    unnamed = service.change(principal, made, Changes(title=None)).conversation

    assert (named.title, named.has_own_title) == ("My tea", True)
    assert (unnamed.title, unnamed.has_own_title) == ("Let us talk about tea", False)
    assert service.create(principal).conversation.title == ""


def test_the_shown_branch_is_the_newest_below_the_chosen_message(
    database: Database, service: Conversations, threads: Threads, principal: Principal
) -> None:
    """One chooses a version of a question, and sees where it led last."""
    made = add_messages(database, principal.owner_id, ["q", "a", "q2", "a2"])
    path = threads.page(principal, made, limit=9).messages
    sibling = add_reply(database, made, principal, parent_id=path[0].message.id, text="other a")
    leaf = add_reply(database, made, principal, parent_id=sibling, role="user", text="other q2")

    old = service.change(principal, made, Changes(head_id=path[1].message.id))
    assert old.conversation.head_id == path[3].message.id
    shown = threads.page(principal, made, limit=9).messages
    assert [each.message.text for each in shown] == ["q", "a", "q2", "a2"]
    assert shown[1].siblings == [path[1].message.id, sibling]

    other = threads.page(principal, made, limit=9, at=sibling).messages
    assert [each.message.text for each in other] == ["q", "other a", "other q2"]
    assert service.change(principal, made, Changes(head_id=sibling)).conversation.head_id == leaf


def add_reply(
    database: Database,
    conversation_id: UUID,
    principal: Principal,
    *,
    parent_id: UUID,
    text: str,
    role: str = "assistant",
    state: str = "complete",
) -> UUID:
    message_id = uuid7()
    row = {"id": message_id, "parent_id": parent_id, "role": role, "text": text, "state": state}
    with database.write() as connection:
        last = messages.next_seq(connection, conversation_id, owner_id=principal.owner_id, count=1, head_id=message_id)
        messages.add(connection, conversation_id, [row], last_seq=last)
    return message_id


def test_messages_come_page_by_page_from_the_end(
    database: Database, service: Conversations, threads: Threads, principal: Principal
) -> None:
    """Each page reads what it shows and no more."""
    made = add_messages(database, principal.owner_id, [f"{number}" for number in range(7)])

    pages = [threads.page(principal, made, limit=3)]
    while pages[-1].has_more:
        pages.append(threads.page(principal, made, limit=3, before=pages[-1].messages[0].message.id))

    told = [[each.message.text for each in page.messages] for page in pages]
    assert told == [["4", "5", "6"], ["1", "2", "3"], ["0"]]
    assert threads.page(principal, made, limit=3, before=pages[-1].messages[0].message.id).messages == []
    empty = service.create(principal).conversation
    assert threads.page(principal, empty.id, limit=3).messages == []


def test_an_answer_is_rendered_once_and_kept(database: Database, threads: Threads, principal: Principal) -> None:
    """Opening a long conversation again costs no rendering."""
    made = add_messages(database, principal.owner_id, ["**q**", "**a**"])

    shown = threads.page(principal, made, limit=3, is_rendered=True).messages

    assert shown[0].message.html is None
    assert "<strong>a</strong>" in str(shown[1].message.html)
    with database.read() as connection:
        kept = messages.get(connection, shown[1].message.id)
    assert kept == shown[1].message


def test_answers_are_rated_and_messages_pinned(database: Database, threads: Threads, principal: Principal) -> None:
    """And the marks can be taken back."""
    made = add_messages(database, principal.owner_id, ["q", "a"])
    question, answer = (each.message.id for each in threads.page(principal, made, limit=3).messages)

    marked = threads.mark(principal, made, answer, rating="up", is_pinned=True).message
    assert (marked.rating, marked.is_pinned) == ("up", True)
    marked = threads.mark(principal, made, answer, rating=None).message
    assert (marked.rating, marked.is_pinned) == (None, True)
    with pytest.raises(InvalidBody, match="rating"):
        threads.mark(principal, made, question, rating="up")
    with pytest.raises(NotFound):
        threads.mark(principal, add_messages(database, principal.owner_id, []), answer, rating="up")


def test_a_fork_is_a_conversation_of_its_own(
    database: Database, service: Conversations, threads: Threads, principal: Principal
) -> None:
    """With all that was said on the way there, and nothing that was said after."""
    texts = [f"word{number}" for number in range(603)]
    made = add_messages(database, principal.owner_id, texts, title="Source")
    service.change(principal, made, Changes(title="Own", folder="F", tags=["t"]))
    until = threads.page(principal, made, limit=3).messages[1].message.id

    fork = service.create(principal, fork_of=until)

    assert (fork.conversation.title, fork.conversation.has_own_title, fork.conversation.folder) == ("Own", True, "F")
    whole = threads.page(principal, fork.conversation.id, limit=1000).messages
    assert [each.message.text for each in whole] == texts[:-1]
    assert [each.message.seq for each in whole] == list(range(1, 603))
    assert whole[0].message.created_at == threads.page(principal, made, limit=1000).messages[0].message.created_at
    found = service.search(principal, "word600", limit=5).results
    assert [each.listed.conversation.id for each in found] == [fork.conversation.id, made]
    add_reply(database, fork.conversation.id, principal, parent_id=whole[-1].message.id, text="goes on")
    assert threads.page(principal, made, limit=1).messages[0].message.text == texts[-1]


def test_an_answer_in_the_making_cannot_be_forked(
    database: Database, service: Conversations, threads: Threads, principal: Principal
) -> None:
    """There is nothing whole to copy yet."""
    made = add_messages(database, principal.owner_id, ["q"])
    question = threads.page(principal, made, limit=1).messages[0].message.id
    answer = add_reply(database, made, principal, parent_id=question, text="", state="running")

    with pytest.raises(Conflict) as refused:
        service.create(principal, fork_of=answer)
    assert refused.value.code == "answer_in_progress"
    assert len(service.page(principal, limit=9).conversations) == 1


def test_what_is_deleted_comes_back_until_it_is_purged(
    database: Database, service: Conversations, stopped: list[UUID], principal: Principal
) -> None:
    """Seven days, then every row of it is gone, and nothing of others'."""
    kept = add_messages(database, principal.owner_id, ["kept"])
    # Longer than SQLite follows what depends on each other.
    gone = add_messages(database, principal.owner_id, ["gone"] * 1101)
    service.change(principal, gone, Changes(tags=["t"]))

    service.delete(principal, gone)
    service.delete(principal, gone)
    assert stopped == [gone, gone]
    assert service.purge_deleted(datetime.now(UTC) + timedelta(days=6, hours=23)) == 0
    assert service.restore(principal, gone).tags == ["t"]
    assert service.restore(principal, gone).conversation.deleted_at is None
    service.delete(principal, gone)
    assert service.purge_deleted(datetime.now(UTC) + timedelta(days=7, minutes=1)) == 1

    with pytest.raises(NotFound):
        service.restore(principal, gone)
    set_columns(database, kept, deleted_at=datetime.now(UTC) - timedelta(days=7, minutes=1))
    with pytest.raises(NotFound):
        service.restore(principal, kept)
    with database.read() as connection:
        left = {
            name: set(connection.execute(select(table.c.conversation_id)).scalars())
            for name, table in tables.metadata.tables.items()
            if "conversation_id" in table.c
        }
    assert set().union(*left.values()) == {kept}


def test_nobody_reaches_what_is_anothers(
    database: Database, service: Conversations, threads: Threads, principal: Principal
) -> None:
    """It reads exactly like what there is not, whoever asks for it and whatever for."""
    made = add_messages(database, principal.owner_id, ["q", "a"])
    message = threads.page(principal, made, limit=1).messages[0].message.id
    other = Principal(owner_id=new_owner(database))
    own = service.create(other).conversation

    for attempt in (
        lambda: service.get(other, made),
        lambda: service.get(None, made),
        lambda: service.change(other, made, Changes(title="x")),
        lambda: service.change(other, own.id, Changes(head_id=message)),
        lambda: service.delete(other, made),
        lambda: service.restore(other, made),
        lambda: service.create(other, fork_of=message),
        lambda: threads.page(other, made, limit=1),
        lambda: threads.page(None, made, limit=1),
        lambda: threads.page(other, own.id, limit=1, at=message),
        lambda: threads.page(other, own.id, limit=1, before=message),
        lambda: threads.mark(other, made, message, rating="up"),
    ):
        with pytest.raises(NotFound):
            attempt()


def test_a_message_needs_its_conversation(database: Database) -> None:
    """Foreign keys are on: nothing is ever left without what it belongs to."""
    with pytest.raises(Exception, match=r"(?i)foreign key"), database.write() as connection:
        connection.execute(
            text(
                "INSERT INTO runs (message_id, conversation_id, worker_id, text, is_stop_requested) VALUES "
                "('01900000000070008000000000000001', '01900000000070008000000000000002', "
                "'01900000000070008000000000000003', '', false)"
            )
        )


def test_what_fails_halfway_has_not_happened(database: Database, service: Conversations, principal: Principal) -> None:
    """A change is one transaction."""
    made = service.create(principal, title="Before").conversation

    with pytest.raises(AppError):
        service.change(principal, made.id, Changes(title="After", is_pinned=True, head_id=uuid7()))

    after = service.get(principal, made.id).conversation
    assert (after.title, after.is_pinned) == ("Before", False)
