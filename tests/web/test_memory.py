"""`/memory`, and what a model is told of it and of a long conversation."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from chatapp.core.memory import MAX_FACT_CHARS, MAX_FACTS
from tests.conftest import StartServer
from tests.wire.behaviours import BEHAVIOURS
from tests.wire.reader import Reply, get, marker, send
from tests.wire.upstream import GOOD_TEXT, Upstream

MODELS = """
[models.good]
name = "Good"
provider = "openai"
context_window = 2000
input = 1.0
output = 2.0
"""


def add(client: FlaskClient, text: str) -> Any:
    answered = client.post("/memory", json={"text": text})
    assert answered.status_code == 201, answered.text
    return answered.json


def test_a_stranger_has_an_empty_memory(client: FlaskClient) -> None:
    """And is not made a guest for looking."""
    answered = client.get("/memory")

    assert answered.json == {"enabled": True, "tokens": 0, "facts": []}
    assert "Set-Cookie" not in answered.headers


def test_facts_are_added_changed_and_forgotten(client: FlaskClient) -> None:
    """With what each takes of a model's window, and all together."""
    sails = add(client, "  I sail\n a dinghy. ")
    vegan = add(client, "I am vegan.")
    assert (sails["text"], set(sails)) == ("I sail a dinghy.", {"id", "text", "tokens", "created_at"})
    assert add(client, "i sail a DINGHY")["id"] == sails["id"]

    changed = client.patch(f"/memory/{vegan['id']}", json={"text": "I am vegetarian."}).json
    known = client.get("/memory").json

    assert [fact["id"] for fact in known["facts"]] == [sails["id"], vegan["id"]]
    assert known["facts"][1] == changed
    assert known["tokens"] > sum(fact["tokens"] for fact in known["facts"]) > 0
    assert client.delete(f"/memory/{sails['id']}").status_code == 204
    assert client.delete(f"/memory/{sails['id']}").status_code == 404
    assert client.get("/memory").json["facts"] == [changed]


def test_switching_memory_off_forgets_nothing(client: FlaskClient) -> None:
    """It is a switch, also before there is anything to switch."""
    assert client.patch("/memory", json={"enabled": False}).json["enabled"] is False
    fact = add(client, "I sail.")

    off = client.post("/chat", json={"conversation_id": "new", "message": "Remember that I am vegan."}).json
    on = client.patch("/memory", json={"enabled": True}).json

    assert (off["notices"], off["context"]["memory_tokens"]) == (["Nothing was remembered: memory is off."], 0)
    assert (on["enabled"], on["facts"]) == (True, [fact])


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        pytest.param(" \n ", "invalid_body", "`text` is empty", id="empty"),
        pytest.param("x" * (MAX_FACT_CHARS + 1), "invalid_body", "`text` is longer than 500", id="long"),
        pytest.param("a\0b", "invalid_body", "`text` holds a NUL", id="nul"),
        pytest.param(5, "invalid_body", "`$.text`", id="number"),
    ],
)
def test_what_is_no_fact_is_refused_by_name(client: FlaskClient, text: object, code: str, words: str) -> None:
    """Adding and changing alike."""
    fact = add(client, "I sail.")

    for answered in (
        client.post("/memory", json={"text": text}),
        client.patch(f"/memory/{fact['id']}", json={"text": text}),
    ):
        assert (answered.status_code, answered.json["code"]) == (422, code)
        assert words in answered.json["detail"]


def test_memory_is_finite(client: FlaskClient) -> None:
    """Every fact is paid for in every conversation; asked for in a chat, one too many is only told of."""
    facts = [add(client, f"Fact {number}") for number in range(MAX_FACTS)]

    refused = client.post("/memory", json={"text": "One more"})
    told = client.post("/chat", json={"conversation_id": "new", "message": "Remember: one more"}).json
    known = client.post("/chat", json={"conversation_id": "new", "message": "Remember: fact 7."}).json
    same = client.patch(f"/memory/{facts[0]['id']}", json={"text": "fact 1"})

    assert (refused.status_code, refused.json["code"]) == (422, "invalid_body")
    assert "200" in refused.json["detail"]
    assert told["notices"] == ["Nothing was remembered: memory is full (200 facts)."]
    assert known["notices"] == ["This was remembered already."]
    assert (same.status_code, same.json["detail"]) == (422, "`text` says the same as another fact.")


def test_nobody_reaches_the_facts_of_another(app: Flask, client: FlaskClient) -> None:
    """Not even to learn whether they are there."""
    fact = add(client, "I sail.")
    other = app.test_client()
    add(other, "I climb.")

    for visitor in (other, app.test_client()):
        for fact_id in (fact["id"], str(uuid4()), "nonsense"):
            for answered in (
                visitor.patch(f"/memory/{fact_id}", json={"text": "mine"}),
                visitor.delete(f"/memory/{fact_id}"),
            ):
                assert (answered.status_code, answered.json["code"]) == (404, "not_found")
    assert client.get("/memory").json["facts"] == [fact]


def test_another_site_cannot_add_facts(client: FlaskClient) -> None:
    """What it put there would be told to the model in every conversation."""
    add(client, "I sail.")

    answered = client.post("/memory", json={"text": "Trust me"}, headers={"Sec-Fetch-Site": "cross-site"})

    assert answered.status_code == 403


class Site:
    """A server in front of a model with a small window, seen by one guest."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.headers = {"Content-Type": "application/json"}
        token = self.post("/guests", {"credential": "token"}).json["token"]
        self.headers["Authorization"] = f"Bearer {token}"

    def post(self, path: str, body: object) -> Reply:
        return send(self.base_url, "POST", path, json.dumps(body).encode(), self.headers)

    def say(self, message: str, after: Any = None) -> Any:
        """Ask and return the whole answer; `after` is the one before."""
        where = {"conversation_id": "new"}
        if after is not None:
            where = {"conversation_id": after["conversation_id"], "parent_id": after["message_id"]}
        reply = self.post("/chat", {"message": message, **where})
        assert reply.status == 200, reply.text
        return reply.json


@pytest.fixture(scope="module")
def small_upstream() -> Iterator[Upstream]:
    """A model server of this file's own, since it counts calls."""
    server = Upstream({"good": BEHAVIOURS["good"]})
    yield server
    server.close()


@pytest.fixture
def small_site(start_server: StartServer, small_upstream: Upstream, tmp_path: Path) -> Site:
    (tmp_path / "models.toml").write_text(MODELS)
    server = start_server(
        {
            "OPENAI_BASE_URL": f"{small_upstream.base_url}/v1",
            "MODELS_FILE": str(tmp_path / "models.toml"),
            "DEFAULT_MODEL": "good",
            "WEB_CONCURRENCY": "1",
        }
    )
    return Site(server.base_url)


def test_a_real_model_is_told_facts_and_summaries(small_site: Site, small_upstream: Upstream) -> None:
    """From the first message to a thread that outgrew the window, as the model's server receives it."""
    first_marker, last_marker = marker(), marker()

    learned = small_site.say("Remember that I sail.")
    first = small_site.say(f"{first_marker} {'boat ' * 600}")
    second = small_site.say("tide " * 600, after=first)
    third = small_site.post(
        "/chat/stream",
        {
            "conversation_id": second["conversation_id"],
            "parent_id": second["message_id"],
            "message": f"{last_marker} {'wind ' * 600}",
        },
    )

    assert learned["notices"] == ["Remembered: I sail."]
    assert first["context"]["memory_tokens"] > 0
    told = small_upstream.calls_about(first_marker)[0].payload["messages"]
    assert told[0] == {"role": "system", "content": "What the person wants you to know:\n- I sail."}
    assert third.text.index("event: start") < third.text.index("event: progress") < third.text.index("event: delta")
    assert '"stage":"summarising"' in third.text
    asked = [call.payload["messages"] for call in small_upstream.calls_about(first_marker)[-1:]]
    assert asked[0][0]["content"].startswith("You condense")
    told = small_upstream.calls_about(last_marker)[0].payload["messages"]
    assert [message["role"] for message in told] == ["system", "user"]
    assert told[0]["content"].endswith(f"Summary of the earlier conversation:\n\n{GOOD_TEXT}")
    assert "Earlier messages were summarised (" in third.text
    page = get(small_site.base_url, f"/conversations/{second['conversation_id']}/messages", small_site.headers).json
    assert (page["summary"]["text"], page["summary"]["covers"]) == (GOOD_TEXT, 4)
