"""The search, and that both databases find the same."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from chatapp.core.principals import Principal
from chatapp.core.search_terms import query_of, terms_of
from chatapp.services.conversations import Changes, Conversations
from chatapp.store import conversations, messages, search
from chatapp.store.db import Database
from tests.databases import postgresql_copy, sqlite_copy
from tests.store.conftest import add_messages, new_owner

WORDS = ["cafe", "Café", "CAF", "é", "ab", "abc", "über", "東", "東京", "京東", "東京タ", "naïve", "1", "x_y"]
BETWEEN = [" ", "-", "", "\n", "’", "_", ". "]


@pytest.fixture(scope="module")
def both(
    sqlite_template: Path, postgresql_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Database]]:
    """One database of each kind."""
    with postgresql_copy(postgresql_url) as url:
        opened = [Database(sqlite_copy(sqlite_template, tmp_path_factory.mktemp("search"))), Database(url)]
        yield opened
        for each in opened:
            each.close()


def found_in(database: Database, owner_id: UUID, wanted: str, **options: int) -> list[str]:
    """The texts that a search finds, in its order, once everything is in the index."""
    has_more = True
    while has_more:
        with database.write() as connection:
            has_more = search.index_pending(connection, most=3)
    with database.read() as connection:
        hits = search.find(connection, owner_id, query_of(wanted), **{"limit": 1000, **options})
        said = search.said(connection, [hit.message_id for hit in hits if hit.message_id])
        titles = conversations.get_all(connection, [hit.conversation_id for hit in hits])
        return [said[hit.message_id][1] if hit.message_id else titles[hit.conversation_id].title for hit in hits]


TEXTS = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(BETWEEN)), max_size=4).map(
    lambda pairs: "".join(word + between for word, between in pairs)
)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXTS, min_size=1, max_size=8), wanted=st.lists(TEXTS, min_size=1, max_size=6))
def test_both_databases_find_the_same(both: list[Database], texts: list[str], wanted: list[str]) -> None:
    """And what they find is what holds all words, the newest first."""
    answers = []
    for database in both:
        owner_id = new_owner(database)
        add_messages(database, owner_id, texts, title="")
        answers.append([found_in(database, owner_id, each) for each in wanted])

    expected = [[said for said in reversed(texts) if holds(said, each)] for each in wanted]
    assert answers == [expected, expected]


def holds(said: str, wanted: str) -> bool:
    """What a search should find, said plainly."""
    query, words = query_of(wanted), terms_of(said)
    has_beginning = not query.prefix or any(word.startswith(query.prefix) for word in words)
    return not query.is_empty and has_beginning and set(query.words) <= set(words)


def test_others_and_deleted_conversations_are_not_found(database: Database, principal: Principal) -> None:
    """However alike their words are."""
    other = new_owner(database)
    add_messages(database, other, ["a secret word"])
    mine = add_messages(database, principal.owner_id, ["my secret word"])
    service = Conversations(database, stop_runs=lambda _: None)

    assert found_in(database, principal.owner_id, "secret") == ["my secret word"]
    # Not by what stands in the index for the owner.
    for beginning in ("o", "¤", principal.owner_id.hex, f"o{principal.owner_id.hex}"[:3]):
        assert found_in(database, principal.owner_id, beginning) == []
    service.delete(principal, mine)
    assert found_in(database, principal.owner_id, "secret") == []
    service.restore(principal, mine)
    assert found_in(database, principal.owner_id, "secret") == ["my secret word"]


def test_a_new_title_takes_the_place_of_the_old(database: Database, principal: Principal) -> None:
    """One finds a conversation by what it is called now."""
    service = Conversations(database, stop_runs=lambda _: None)
    made = service.create(principal, title="Early name").conversation

    service.change(principal, made.id, Changes(title="Späterer Name"))

    assert found_in(database, principal.owner_id, "early") == []
    assert found_in(database, principal.owner_id, "spaterer nam") == ["Späterer Name"]


def test_what_is_purged_leaves_no_word_behind(database: Database, principal: Principal) -> None:
    """Not in the index either, where words would lie about unseen."""
    made = add_messages(database, principal.owner_id, ["a peculiar word", "another"])

    with database.write() as connection:
        assert conversations.purge(connection, made)

    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM search_entries")).scalar() == 0
        if database.is_sqlite:
            left = "SELECT count(*) FROM search_terms WHERE search_terms MATCH 'peculiar'"
            assert connection.execute(text(left)).scalar() == 0
    if database.is_sqlite:
        with database.write() as connection:
            connection.execute(text("INSERT INTO search_terms(search_terms) VALUES ('integrity-check')"))


def test_a_search_goes_on_page_by_page(database: Database, principal: Principal) -> None:
    """No conversation is passed over, each place is told once, and what is new meanwhile moves nothing."""
    made = [add_messages(database, principal.owner_id, [f"apple {n}", f"apple tree {n}"]) for n in range(7)]
    service = Conversations(database, stop_runs=lambda _: None)

    first = service.search(principal, "apple", limit=3)
    add_messages(database, principal.owner_id, ["apple of today"])
    second = service.search(principal, "apple", limit=3, before=first.next)
    third = service.search(principal, "apple", limit=3, before=second.next)

    pages = [[result.listed.conversation.id for result in page.results] for page in (first, second, third)]
    assert pages == [made[:3:-1], made[3:0:-1], made[:1]]
    assert third.next is None
    matches = [match for page in (first, second, third) for result in page.results for match in result.matches]
    assert len({match.message_id for match in matches}) == len(matches) == 14


def test_a_result_shows_what_was_found_and_where(database: Database, principal: Principal) -> None:
    """By words in the title and in the message, as they are written there."""
    made = add_messages(database, principal.owner_id, ["Wo ist das Café?", "Am Markt."], title="Cafés in Wien")
    service = Conversations(database, stop_runs=lambda _: None)

    (result,) = service.search(principal, "cafe", limit=5).results

    assert result.listed.conversation.id == made
    assert [(part.text, part.match) for part in result.title] == [("Cafés", True), (" in Wien", False)]
    (match,) = result.matches
    assert match.role == "user"
    assert [part.text for part in match.snippet if part.match] == ["Café"]


def test_no_query_is_an_error(database: Database, owner_id: UUID) -> None:
    """The words of the query languages are words like others."""
    add_messages(database, owner_id, ["a and or not near b"], title="")

    for wanted in ("", " ?!", '"', "*", "'", "\\", "\x00"):
        assert found_in(database, owner_id, wanted) == []
    for wanted in ("b AND OR NOT", "NEAR(a b)", "a & | !", "b* a:*", "'a' <-> b"):
        assert found_in(database, owner_id, wanted) == ["a and or not near b"]


def test_a_long_text_is_found_by_each_of_its_words(database: Database, owner_id: UUID) -> None:
    """A row of the index takes far more than people write."""
    add_messages(database, owner_id, [" ".join(f"wörd{number}" for number in range(15_000))])

    assert len(found_in(database, owner_id, "word1 word14999")) == 1


def test_messages_are_found_once_they_are_indexed(database: Database, owner_id: UUID) -> None:
    """An answer enters the search when it is finished."""
    made = add_messages(database, owner_id, ["question"])
    with database.write() as connection:
        (question,) = messages.children(connection, made, None)
        search.index_text(
            connection, owner_id=owner_id, conversation_id=made, message_id=question, text="said again differently"
        )

    assert found_in(database, owner_id, "differently") == ["question"]
