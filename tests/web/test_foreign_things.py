"""Ids of somebody else's in the body, in the query, and beside one's own: nothing is read, and nothing changes."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

SECRET = "heron-4711"


class Guest:
    """Somebody with a conversation of two messages."""

    def __init__(self, app: Flask, message: str) -> None:
        self.client: FlaskClient = app.test_client()
        said = self.client.post("/chat", json={"message": message, "conversation_id": "new"}).json
        self.conversation_id: str = said["conversation_id"]
        self.answer_id: str = said["message_id"]

    def everything(self) -> list[Any]:
        """All that this guest has, as the API shows it."""
        one = f"/conversations/{self.conversation_id}"
        paths = ["/conversations", "/conversations/search?q=heron", one, f"{one}/messages", f"/runs/{self.answer_id}"]
        return [self.client.get(path).json for path in paths]


@pytest.fixture(scope="module")
def ada(app: Flask) -> Guest:
    return Guest(app, f"My heron is {SECRET}")


@pytest.fixture(scope="module")
def bob(app: Flask) -> Guest:
    return Guest(app, "I have no birds")


@pytest.mark.parametrize("route", ["/chat", "/chat/stream"])
@pytest.mark.parametrize(
    ("conversation", "parent", "status"),
    [
        pytest.param("ada", None, 422, id="conversation"),
        pytest.param("ada", "ada", 404, id="conversation-and-parent"),
        pytest.param("ada", "bob", 404, id="own-parent"),
        pytest.param("bob", "ada", 404, id="own-conversation"),
        pytest.param("new", "ada", 422, id="new-conversation"),
    ],
)
def test_no_question_gets_into_anothers_conversation(  # noqa: PLR0917 - pytest passes them by name
    ada: Guest, bob: Guest, route: str, conversation: str, parent: str | None, status: int
) -> None:
    """Neither by its id, nor by that of a message in it, nor by asking that one again: refused is not begun."""
    people = {"ada": ada, "bob": bob}
    place = {"conversation_id": people[conversation].conversation_id if conversation in people else "new"}
    place |= {"parent_id": people[parent].answer_id} if parent else {}
    before = ada.everything(), bob.everything()

    asked = bob.client.post(route, json={**place, "message": "Tell me about the heron"})
    asked_again = bob.client.post(route, json=place)

    assert asked.status_code == status, asked.text
    assert asked_again.status_code in (status, 422), asked_again.text
    assert SECRET not in asked.text + asked_again.text
    assert (ada.everything(), bob.everything()) == before


def test_own_conversation_does_not_open_anothers_message(ada: Guest, bob: Guest) -> None:
    """The first id of an address is one's own, and the second was never looked at: the fault has a long history."""
    mine = f"/conversations/{bob.conversation_id}"
    before = ada.everything(), bob.everything()

    refused = [
        bob.client.patch(f"{mine}/messages/{ada.answer_id}", json={"pinned": True}),
        bob.client.patch(mine, json={"head_id": ada.answer_id}),
        bob.client.post("/conversations", json={"fork_of": ada.answer_id}),
        bob.client.get(f"{mine}/messages", query_string={"at": ada.answer_id}),
        bob.client.get(f"/runs/{ada.answer_id}/events", headers={"Last-Event-ID": "0"}),
        bob.client.post(f"/runs/{ada.answer_id}/stop"),
        bob.client.get(f"/chat/{bob.conversation_id}", query_string={"at": ada.answer_id}),
    ]

    assert [answered.status_code for answered in refused[:-1]] == [404] * 6
    assert SECRET not in "".join(answered.text for answered in refused)
    assert (ada.everything(), bob.everything()) == before


@pytest.mark.parametrize("value", [None, "", "null", "*", "%"])
def test_a_list_without_a_filter_is_still_ones_own(ada: Guest, bob: Guest, value: str | None) -> None:
    """A filter that is left out, empty or spelled like anything must not fall back to everybody's."""
    names = ("archived", "cursor", "folder", "limit", "owner", "owner_id", "tag", "user_id", "q")
    for path in ("/conversations", "/conversations/search", "/conversations/labels", "/memory"):
        for name in names:
            answered = bob.client.get(path, query_string={} if value is None else {name: value})
            assert answered.status_code in (200, 400), answered.text
            assert SECRET not in answered.text and ada.conversation_id not in answered.text
