"""The chat page with JavaScript off: a form that is answered with the page."""

import json
import re
from html import unescape

import pytest
from flask.testing import FlaskClient

from chatapp import create_app
from chatapp.config import Config
from tests.live_server import LiveServer
from tests.wire.reader import Payload, send

SUM = "What is 6 times 7?"
SECRET_HTML = "<script>alert(1)</script>"
FORM = "application/x-www-form-urlencoded"


def kept_history(html: str) -> list[Payload]:
    """The conversation as the page's form would send it next time."""
    [value] = re.findall(r"name=\"history\" value='([^']*)'", html)
    history: list[Payload] = json.loads(unescape(value))
    return history


def test_a_question_is_answered_with_the_page(client: FlaskClient) -> None:
    """The answer is rendered, and the conversation is in the form for the next question."""
    answered = client.post("/chat", data={"message": SUM})

    assert (answered.status_code, answered.mimetype) == (200, "text/html")
    assert "<strong>42</strong>" in answered.text
    history = kept_history(answered.text)
    assert [message["role"] for message in history] == ["user", "assistant"]
    assert history[0]["content"] == SUM
    assert "42" in history[1]["content"]


def test_a_conversation_goes_on(client: FlaskClient) -> None:
    """What the form brings back is part of the next question."""
    first = client.post("/chat", data={"message": SUM})

    second = client.post("/chat", data={"message": "And 2 + 2?", "history": json.dumps(kept_history(first.text))})

    assert [message["role"] for message in kept_history(second.text)] == ["user", "assistant"] * 2
    assert kept_history(second.text)[:2] == kept_history(first.text)


def test_a_file_form_is_taken_too(client: FlaskClient) -> None:
    """Some browsers and add-ons send it so."""
    answered = client.post("/chat", data={"message": SUM}, content_type="multipart/form-data")

    assert "<strong>42</strong>" in answered.text


@pytest.mark.parametrize(
    ("fields", "status", "named"),
    [
        pytest.param({"message": ""}, 422, "empty", id="empty"),
        pytest.param({"model": "demo"}, 422, "empty", id="no-message"),
        pytest.param({"message": "a\0b"}, 422, "NUL", id="NUL"),
        pytest.param({"message": "Hi", "model": "gpt-6-sol"}, 400, "key", id="no-key"),
        pytest.param({"message": "Hi", "model": "a b"}, 422, "model", id="model-form"),
        pytest.param({"message": "Hi", "history": "{"}, 400, "history", id="history-cut"),
        pytest.param({"message": "Hi", "history": "[" * 100_000}, 400, "history", id="history-deep"),
        pytest.param({"message": "Hi", "history": '[{"role": "robot"}]'}, 400, "history", id="history-role"),
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


def test_whatever_is_sent_comes_back_as_text(client: FlaskClient) -> None:
    """In the bubble, in the composer and in the hidden field alike."""
    history = [{"role": "user", "content": SECRET_HTML}, {"role": "assistant", "content": SECRET_HTML + "'\">"}]

    answered = client.post("/chat", data={"message": f"{SECRET_HTML} '\"", "history": json.dumps(history)})

    assert answered.status_code == 200
    assert SECRET_HTML not in answered.text
    assert kept_history(answered.text)[:2] == history


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 200, id="old-browser"),
        pytest.param({"Sec-Fetch-Site": "same-origin"}, 200, id="own-page"),
        pytest.param({"Sec-Fetch-Site": "none"}, 200, id="typed"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, id="other-site"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, 403, id="sister-site"),
        pytest.param({"Origin": "http://localhost"}, 200, id="own-origin"),
        pytest.param({"Origin": "https://evil.example"}, 403, id="other-origin"),
        pytest.param({"Origin": "null"}, 403, id="no-origin"),
        pytest.param({"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"}, 403, id="both"),
    ],
)
def test_only_the_sites_own_form_is_taken(client: FlaskClient, headers: dict[str, str], status: int) -> None:
    """Another site could spend the operator's money in a visitor's name."""
    answered = client.post("/chat", data={"message": SUM}, headers=headers)

    assert answered.status_code == status
    assert ("<strong>42</strong>" in answered.text) is (status == 200)


def test_a_form_that_is_too_large_is_refused() -> None:
    """As any other body."""
    client = create_app(Config(local_servers="off", max_body_bytes=1000)).test_client()

    assert client.post("/chat", data={"message": "x" * 2000}).status_code == 413


def test_a_model_that_fails_is_told_on_the_page(faulty_site: LiveServer) -> None:
    """With the text still in the composer, and the way back open."""
    body = b"message=Hello+there&model=u05-401"

    reply = send(faulty_site.base_url, "POST", "/chat", body, {"Content-Type": FORM})

    assert reply.status == 502
    assert ">Hello there</textarea>" in reply.text
    assert reply.headers["X-Request-Id"] in reply.text
    assert kept_history(reply.text) == []
