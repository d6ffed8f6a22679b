"""`POST /tokens`, which the composer's counter asks."""

import pytest
from flask.testing import FlaskClient

from chatapp.providers.tokens import TiktokenCounter
from tests.wire.reader import Payload

OWN_KEY = {"X-Provider-Key": "sk-own-0123456789"}


def test_a_text_is_counted_for_the_default_model(client: FlaskClient) -> None:
    """With the window it has to fit."""
    answered = client.post("/tokens", json={"message": "Hello there, world"})

    assert answered.json == {
        "tokens": TiktokenCounter().count("Hello there, world"),
        "characters": 18,
        "model": "demo",
        "window": 32_000,
        "estimated": False,
    }


def test_an_empty_text_has_no_tokens(client: FlaskClient) -> None:
    """The composer is empty most of the time."""
    answered = client.post("/tokens", json={"message": ""}).json

    assert (answered["tokens"], answered["characters"]) == (0, 0)


def test_a_text_is_counted_for_the_model_that_would_answer(client: FlaskClient) -> None:
    """A retired model's successor has another window."""
    answered = client.post("/tokens", json={"message": "Hi", "model": "gpt-3.5-turbo"}, headers=OWN_KEY).json

    assert answered["model"] != "gpt-3.5-turbo"
    assert answered["window"] > 100_000


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param({}, 422, "invalid_body", id="no-text"),
        pytest.param({"message": 5}, 422, "invalid_body", id="number"),
        pytest.param({"message": "Hi", "text": "x"}, 422, "invalid_body", id="unknown-field"),
        pytest.param({"message": "Hi", "model": "no-such-model"}, 400, "model_unavailable", id="unknown-model"),
        pytest.param({"message": "x" * 200_001}, 413, "payload_too_large", id="too-long"),
    ],
)
def test_what_cannot_be_counted_is_refused(client: FlaskClient, body: Payload, status: int, code: str) -> None:
    """In the same words as a question would be."""
    answered = client.post("/tokens", json=body)

    assert (answered.status_code, answered.json["code"]) == (status, code)
