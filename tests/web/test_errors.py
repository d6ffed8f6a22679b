"""Errors as clients see them."""

import logging

import pytest
from flask import Flask
from flask.testing import FlaskClient

from chatapp.errors import AppError, ProviderBusy
from chatapp.web.access import needs
from chatapp.web.errors import TITLES, problem_of
from tests.applications import make_app

SECRET = "the cause, with sk-canary-0123456789"
PAGE = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def broken() -> Flask:
    """An application of which one route has a bug and another fails in our own terms."""
    app = make_app()
    app.add_url_rule("/bug", "bug", view_func=needs("public")(lambda: {}[SECRET]))

    @needs("public")
    def busy() -> str:
        raise ProviderBusy("The model is busy.", retry_after_s=7)

    app.add_url_rule("/busy", "busy", view_func=busy)
    return app


def test_a_bug_is_told_without_its_cause(broken: Flask, caplog: pytest.LogCaptureFixture) -> None:
    """The cause is for the log; a stranger learns only where to ask."""
    answered = broken.test_client().get("/bug")

    assert answered.status_code == 500
    assert answered.mimetype == "application/problem+json"
    assert answered.get_json(force=True) == {
        "type": "about:blank",
        "title": "Internal error",
        "status": 500,
        "detail": "Something went wrong on this server.",
        "code": "internal",
        "request_id": answered.headers["X-Request-Id"],
        "retryable": False,
    }
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.getMessage() == "request.failed"
    assert record.exc_info is not None


def test_an_error_that_may_pass_says_when(broken: Flask) -> None:
    """In the header for programs that know HTTP, in the body for all others."""
    answered = broken.test_client().get("/busy")

    assert answered.status_code == 429
    assert answered.headers["Retry-After"] == "7"
    problem = answered.get_json(force=True)
    assert (problem["code"], problem["retryable"], problem["retry_after"]) == ("upstream_busy", True, 7)


@pytest.mark.parametrize("path", ["/bug", "/busy", "/missing"])
def test_a_browser_gets_a_page(broken: Flask, path: str) -> None:
    """With the same status, the words and the id, and nothing of the cause."""
    answered = broken.test_client().get(path, headers=PAGE)

    assert answered.status_code >= 400
    assert answered.mimetype == "text/html"
    assert answered.headers["X-Request-Id"] in answered.text
    assert SECRET not in answered.text
    assert answered.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        pytest.param("GET", "/missing", 404, "not_found", id="missing"),
        pytest.param("GET", "/chat/", 404, "not_found", id="slash"),
        pytest.param("PUT", "/chat", 405, "method_not_allowed", id="method"),
        pytest.param("POST", "/chat", 415, "unsupported_media_type", id="type"),
        pytest.param("POST", "/chat?render=pdf", 415, "unsupported_media_type", id="type-first"),
    ],
)
def test_an_error_has_its_status_and_its_code(
    client: FlaskClient, method: str, path: str, status: int, code: str
) -> None:
    """Programs branch on these two."""
    answered = client.open(path, method=method, headers={"Accept": "application/json"})

    problem = answered.get_json(force=True)
    assert (answered.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem["title"] == TITLES[status]
    assert problem["detail"].endswith(".")
    if status == 405:
        assert "POST" in answered.headers["Allow"]


def test_every_status_of_ours_has_a_title() -> None:
    """`Error` as a title helps nobody."""

    def statuses(kind: type[AppError]) -> set[int]:
        below = [statuses(child) for child in kind.__subclasses__()]
        return {kind.status}.union(*below)

    assert statuses(AppError) <= set(TITLES)
    assert problem_of(AppError("x"), "r")["title"] == TITLES[500]
