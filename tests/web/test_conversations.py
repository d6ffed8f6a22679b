"""`/conversations` through HTTP: shapes, refusals, who gets what. The rules themselves are tested in tests/store."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_schema_validator import OAS31Validator
from uuid_utils.compat import uuid7

from chatapp.core.conversations import Conversation
from chatapp.services.conversations import Listed
from chatapp.web.access import need_of
from chatapp.web.thread_list import groups_of
from tests.wire.reader import Payload

CROSS_SITE = {"Sec-Fetch-Site": "cross-site"}


def answer(client: FlaskClient, message: str = "What is 6 times 7?") -> Payload:
    """Put a question into a new conversation and return what comes back."""
    answered = client.post("/chat", json={"conversation_id": "new", "message": message})
    assert answered.status_code == 200, answered.text
    kept: Payload = client.get("/conversations").json["conversations"][0]
    return kept


def test_routes_answer_as_they_are_described(app: Flask, client: FlaskClient) -> None:
    """One conversation from its first message to its end, each answer held against the description."""
    document = client.get("/api/openapi.json").json

    def call(method: str, path: str, body: Payload | None = None, **query: str) -> Any:
        answered = client.open(path, method=method, json=body, query_string=query)
        described = document["paths"][re.sub(r"[0-9a-f-]{36}", lambda found: ids[found.group()], path)][method.lower()]
        content = described["responses"][str(answered.status_code)].get("content")
        if content is None:
            return answered.text
        schema = content["application/json"]["schema"]
        OAS31Validator({**schema, "components": document["components"]}).validate(answered.json)
        return answered.json

    ids = {(made := answer(client))["id"]: "{conversation_id}"}
    one = f"/conversations/{made['id']}"
    said = call("GET", f"{one}/messages", render="html")
    ids |= {message["id"]: "{message_id}" for message in said["messages"]}
    question, reply = said["messages"]

    assert call("GET", "/conversations")["conversations"] == [made]
    assert call("GET", one) == made
    assert (made["title"], made["has_own_title"], made["head_id"]) == ("What is 6 times 7?", False, reply["id"])
    assert "html" in reply
    assert "html" not in question
    marked = call("PATCH", f"{one}/messages/{reply['id']}", {"rating": "down", "pinned": True})
    assert (marked["rating"], marked["pinned"]) == ("down", True)
    changes = {"title": " My  sums ", "pinned": True, "folder": "School", "tags": ["maths"], "summarise": False}
    changed = call("PATCH", one, changes)
    assert changed == {**made, **changes, "title": "My sums", "has_own_title": True}
    assert call("GET", "/conversations/labels") == {"folders": ["School"], "tags": ["maths"]}
    (found,) = call("GET", "/conversations/search", q="sum")["results"]
    assert found["title"] == [{"text": "My ", "match": False}, {"text": "sums", "match": True}]
    fork = call("POST", "/conversations", {"fork_of": reply["id"], "tags": []})
    assert (fork["title"], fork["folder"]) == ("My sums", "School")
    assert call("DELETE", one) == ""
    assert client.get(one).status_code == 404
    assert call("POST", f"{one}/restore")["title"] == "My sums"


def test_pages_follow_each_other_by_their_cursors(client: FlaskClient) -> None:
    """A client needs to know nothing but `next`."""
    made = [client.post("/conversations", json={"title": f"Page {number}"}).json["id"] for number in range(5)]

    for path, key in (("/conversations?limit=2", "conversations"), ("/conversations/search?q=page&limit=2", "results")):
        found, cursor = [], ""
        while cursor is not None:
            page = client.get(f"{path}&cursor={cursor}").json
            found += [each.get("conversation", each)["id"] for each in page[key]]
            cursor = page["next"]
        assert found == made[::-1]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        pytest.param("?limit=0", 400, "bad_request", id="no-limit"),
        pytest.param("?limit=101", 400, "bad_request", id="limit-too-high"),
        pytest.param("?limit=²", 400, "bad_request", id="limit-no-number"),
        pytest.param("?cursor=x", 400, "bad_cursor", id="no-cursor"),
        pytest.param("?cursor=e30", 400, "bad_cursor", id="cursor-of-another-shape"),
        pytest.param("?cursor=%00%ff", 400, "bad_cursor", id="cursor-of-bytes"),
        pytest.param("/search?q=x&cursor=OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5", 400, "bad_cursor", id="cursor-too-high"),
        pytest.param("?folder=a%00b", 400, "bad_request", id="nul-in-folder"),
        pytest.param("?tag=a%00b", 400, "bad_request", id="nul-in-tag"),
        pytest.param("?archived=maybe", 400, "bad_request", id="no-flag"),
        pytest.param("/nonsense", 404, "not_found", id="no-id"),
        pytest.param("/01900000-0000-7000-8000-000000000000/messages", 404, "not_found", id="unknown-id"),
    ],
)
def test_odd_addresses_are_refused(client: FlaskClient, path: str, status: int, code: str) -> None:
    """With the parameter's name, and never as an error of ours."""
    answered = client.get(f"/conversations{path}")

    assert (answered.status_code, answered.json["code"]) == (status, code)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param({"title": "x" * 201}, 422, id="long-title"),
        pytest.param({"title": "a\x00b"}, 422, id="nul"),
        pytest.param({"folder": "x" * 101}, 422, id="long-folder"),
        pytest.param({"tags": ["x" * 51]}, 422, id="long-tag"),
        pytest.param({"tags": [" "]}, 422, id="empty-tag"),
        pytest.param({"tags": [str(number) for number in range(21)]}, 422, id="many-tags"),
        pytest.param({"pinned": None}, 422, id="null"),
        pytest.param({"owner_id": "x"}, 422, id="unknown-field"),
        pytest.param({"head_id": "x"}, 404, id="no-message-id"),
        pytest.param({"head_id": "01900000-0000-7000-8000-000000000000"}, 404, id="unknown-message"),
    ],
)
def test_odd_changes_are_refused(client: FlaskClient, body: Payload, status: int) -> None:
    """And nothing of them is kept."""
    made = client.post("/conversations", json={"title": "As it was"}).json

    answered = client.patch(f"/conversations/{made['id']}", json=body)

    assert answered.status_code == status, answered.text
    assert client.get(f"/conversations/{made['id']}").json == made


def test_without_a_credential_there_is_nothing(client: FlaskClient) -> None:
    """And no guest is made for looking."""
    for path, empty in (
        ("/conversations", {"conversations": [], "next": None}),
        ("/conversations/search?q=x", {"results": [], "next": None}),
        ("/conversations/labels", {"folders": [], "tags": []}),
    ):
        answered = client.get(path)
        assert answered.json == empty
        assert "Set-Cookie" not in answered.headers


def ids_for(client: FlaskClient) -> dict[str, str]:
    """A conversation, its answer, its run and a fact of this guest."""
    made = answer(client)
    fact = client.post("/memory", json={"text": "I sail."}).json
    return {
        "conversation_id": made["id"],
        "message_id": made["head_id"],
        "run_id": made["head_id"],
        "fact_id": fact["id"],
    }


def owned_routes(app: Flask) -> list[tuple[str, str]]:
    """Every method and rule that names something of a guest's; what only accounts have is in `test_access`."""
    has_guests = {name for name, view in app.view_functions.items() if need_of(view) in ("chat", "read", "write")}
    rules = [rule for rule in app.url_map.iter_rules() if rule.arguments and rule.endpoint in has_guests]
    return sorted((method, rule.rule) for rule in rules for method in (rule.methods or set()) - {"HEAD", "OPTIONS"})


BODIES = {"/memory/": {"text": "I row."}, "/messages/": {"pinned": True}}


def test_every_route_is_closed_to_everybody_else(app: Flask) -> None:
    """By the routes themselves, so that a new one cannot be forgotten: a foreign id is one that does not exist."""
    mine, foreign = app.test_client(), app.test_client()
    ids = ids_for(mine)
    others = {"a guest": foreign, "a stranger": app.test_client()}
    ids_for(foreign)
    routes = owned_routes(app)

    for who, client in others.items():
        for method, rule in routes:
            path = re.sub(r"<([a-z_]+)>", lambda name: ids[name.group(1)], rule)
            body = next((body for part, body in BODIES.items() if part in rule), {})
            answered = client.open(path, method=method, json=body if method in ("PATCH", "PUT") else None)
            assert answered.status_code == 404, (who, method, rule, answered.text)
    assert len(routes) >= 12
    assert mine.get(f"/conversations/{ids['conversation_id']}").status_code == 200


def test_another_site_changes_nothing(app: Flask) -> None:
    """A cookie goes along with requests that other pages make; they are refused by where they come from."""
    client = app.test_client()
    ids = ids_for(client)
    before = client.get("/conversations").json

    for method, rule in owned_routes(app):
        if method == "GET":
            continue
        path = re.sub(r"<([a-z_]+)>", lambda name: ids[name.group(1)], rule)
        body = next((body for part, body in BODIES.items() if part in rule), {})
        answered = client.open(path, method=method, json=body if method == "PATCH" else None, headers=CROSS_SITE)
        assert (answered.status_code, method, rule) == (403, method, rule)
    assert client.post("/conversations", json={}, headers=CROSS_SITE).status_code == 403
    assert client.get("/conversations").json == before


def listed(title: str, used_at: datetime, *, is_pinned: bool = False) -> Listed:
    made = Conversation(
        id=uuid7(),
        owner_id=uuid7(),
        title=title,
        has_own_title=False,
        created_at=used_at,
        updated_at=used_at,
        activity=1,
        head_id=None,
        is_pinned=is_pinned,
        is_archived=False,
        is_summarised=True,
        folder=None,
        deleted_at=None,
    )
    return Listed(made, [], None)


def test_a_list_is_grouped_by_days() -> None:
    """By the calendar in UTC, not by hours."""
    now = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
    ages = [("a", 0.01), ("b", 0.03), ("c", 1.1), ("d", 7.5), ("e", 8.1), ("f", 30.5), ("g", 40), ("h", 100)]
    found = [listed("pin", now - timedelta(days=300), is_pinned=True)]
    found += [listed(title, now - timedelta(days=days)) for title, days in ages]

    groups = groups_of(found, now)

    assert [(group["label"], [each["title"] for each in group["conversations"]]) for group in groups] == [
        ("Pinned", ["pin"]),
        ("Today", ["a"]),
        ("Yesterday", ["b"]),
        ("Previous 7 days", ["c"]),
        ("Previous 30 days", ["d", "e"]),
        ("January 2026", ["f", "g"]),
        ("November 2025", ["h"]),
    ]
