"""The chat page with JavaScript off: a form that is answered with the page."""

import re
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from markupsafe import escape
from werkzeug.test import TestResponse

from tests.applications import make_app
from tests.live_server import LiveServer
from tests.wire.reader import send

SUM = "What is 6 times 7?"
SECRET_HTML = "<script>alert(1)</script>"
FORM = "application/x-www-form-urlencoded"


def fields_of(html: str) -> dict[str, str]:
    """The hidden fields that the page's form would send with the next question."""
    names = ("conversation_id", "parent_id")
    return {name: re.findall(rf'name="{name}" value="([^"]*)"', html)[0] for name in names}


def texts_of(html: str) -> list[str]:
    """What stands in the bubbles and the answers, without its marks."""
    shown = re.findall(r'<div class="(?:bubble|prose)[^>]*>(.*?)</div>', html, re.DOTALL)
    texts = [re.sub("<[^>]+>", "", text).strip() for text in shown]
    # The templates for the script are empty.
    return [text for text in texts if text]


def asked(client: FlaskClient, **fields: str) -> TestResponse:
    """Post the form and follow it to the page of the conversation."""
    return client.post("/chat", data={"message": SUM, **fields}, follow_redirects=True)


def test_a_question_is_answered_with_the_page_of_its_conversation(app: Flask) -> None:
    """By an address that can be reloaded without asking again."""
    client = app.test_client()
    posted = client.post("/chat", data={"message": SUM})
    page = client.get(posted.headers["Location"])

    assert posted.status_code == 303
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert "<strong>42</strong>" in page.text
    assert texts_of(page.text)[0] == SUM


def test_a_conversation_goes_on(app: Flask) -> None:
    """What the form names is what the next question follows."""
    client = app.test_client()
    first = asked(client)

    second = asked(client, message="And 2 + 2?", **fields_of(first.text))

    assert texts_of(second.text)[:2] == texts_of(first.text)
    assert texts_of(second.text)[2] == "And 2 + 2?"
    assert fields_of(second.text)["conversation_id"] == fields_of(first.text)["conversation_id"]


def test_a_stale_page_loses_nothing(app: Flask) -> None:
    """The conversation went on in another window: its newest messages are shown, the text is still there."""
    client = app.test_client()
    first = asked(client)
    asked(client, message="And 2 + 2?", **fields_of(first.text))

    late = asked(client, message="And 3 + 3?", **fields_of(first.text))

    assert late.status_code == 409
    assert ">And 3 + 3?</textarea>" in late.text
    assert "And 2 + 2?" in texts_of(late.text)
    assert "went on elsewhere" in late.text


def test_a_file_form_is_taken_too(app: Flask) -> None:
    """Some browsers and add-ons send it so."""
    client = app.test_client()
    answered = client.post("/chat", data={"message": SUM}, content_type="multipart/form-data", follow_redirects=True)

    assert "<strong>42</strong>" in answered.text


@pytest.mark.parametrize(
    ("fields", "status", "named"),
    [
        pytest.param({"message": ""}, 422, "empty", id="empty"),
        pytest.param({"model": "demo"}, 422, "empty", id="no-message"),
        pytest.param({"message": "a\0b"}, 422, "NUL", id="NUL"),
        pytest.param({"message": "Hi", "model": "gpt-6-sol"}, 400, "key", id="no-key"),
        pytest.param({"message": "Hi", "model": "a b"}, 422, "model", id="model-form"),
        pytest.param({"message": "Hi", "conversation_id": "7"}, 422, "conversation_id", id="conversation-form"),
        pytest.param({"message": "Hi", "conversation_id": str(UUID(int=7))}, 404, "no such", id="no-conversation"),
    ],
)
def test_a_question_that_fails_keeps_its_text(
    client: FlaskClient, fields: dict[str, str], status: int, named: str
) -> None:
    """Without JavaScript nothing else remembers what was typed."""
    answered = client.post("/chat", data=fields)

    assert (answered.status_code, answered.mimetype) == (status, "text/html")
    assert named in answered.text
    if fields.get("message", "").isprintable():
        assert f">{fields.get('message', '')}</textarea>" in answered.text
    assert f"Reference: {answered.headers['X-Request-Id']}" in answered.text


def test_whatever_is_sent_comes_back_as_text(app: Flask) -> None:
    """In the bubble, in the title, in the list and in the composer alike."""
    client = app.test_client()
    message = f"{SECRET_HTML} '\""

    page = asked(client, message=message)
    refused = asked(client, message=message, model="a b")

    assert page.status_code == 200
    assert SECRET_HTML not in page.text + refused.text
    assert escape(message) in refused.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 303, id="old-browser"),
        pytest.param({"Sec-Fetch-Site": "same-origin"}, 303, id="own-page"),
        pytest.param({"Sec-Fetch-Site": "none"}, 303, id="typed"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, id="other-site"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, 403, id="sister-site"),
        pytest.param({"Origin": "http://localhost"}, 303, id="own-origin"),
        pytest.param({"Origin": "https://evil.example"}, 403, id="other-origin"),
        pytest.param({"Origin": "null"}, 403, id="no-origin"),
        pytest.param({"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"}, 403, id="both"),
    ],
)
def test_only_the_sites_own_form_is_taken(app: Flask, headers: dict[str, str], status: int) -> None:
    """Another site could spend the operator's money in a visitor's name."""
    answered = app.test_client().post("/chat", data={"message": SUM}, headers=headers)

    assert answered.status_code == status
    assert ("Location" in answered.headers) is (status == 303)


def test_a_form_that_is_too_large_is_refused() -> None:
    """As any other body."""
    client = make_app(max_body_bytes=1000).test_client()

    assert client.post("/chat", data={"message": "x" * 2000}).status_code == 413


def test_a_model_that_fails_is_told_on_the_page(faulty_site: LiveServer) -> None:
    """The question is kept, with what went wrong in the place of the answer."""
    body = b"message=Hello+there&model=u05-401"

    posted = send(faulty_site.base_url, "POST", "/chat", body, {"Content-Type": FORM})
    cookie = posted.headers["Set-Cookie"].partition(";")[0]
    page = send(faulty_site.base_url, "GET", posted.headers["Location"], b"", {"Cookie": cookie})

    assert (posted.status, page.status) == (303, 200)
    assert texts_of(page.text)[0] == "Hello there"
    assert "refused" in page.text
