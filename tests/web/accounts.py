"""Registering and signing in over HTTP, for tests of accounts."""

from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.applications import make_app

EMAIL = "ann@example.com"
PASSWORD = "harbour-lamp-42"


def app_with_ann() -> Flask:
    """A site with an administrator and Ann."""
    made = make_app(demo_pace_ms=0)
    for email in ("admin@example.com", EMAIL):
        registered(made.test_client(), email)
    return made


def registered(client: FlaskClient, email: str = EMAIL, **more: Any) -> TestResponse:
    return client.post("/auth/register", json={"email": email, "password": PASSWORD, **more})


def signed_in(client: FlaskClient, email: str = EMAIL, password: str = PASSWORD) -> TestResponse:
    response = client.post("/auth/sign-in", json={"email": email, "password": password})
    assert response.status_code == 200, response.text
    return response


def asked(client: FlaskClient, message: str = "What is 6 times 7?") -> str:
    """Ask in a new conversation and return its id."""
    response = client.post("/chat", json={"conversation_id": "new", "message": message})
    assert response.status_code == 200, response.text
    return str(response.json["conversation_id"])


def code_of(response: TestResponse) -> tuple[int, str]:
    return response.status_code, response.json["code"]
