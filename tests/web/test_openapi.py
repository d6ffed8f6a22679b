"""The description of the API: valid, complete, and true."""

import re
from typing import Any

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from chatapp.web import results
from tests.wire.reader import Payload

# Not the API: pages, what belongs to them, and what is there for browsers and crawlers.
PAGE_RULES = {
    ("GET", "/"),
    ("GET", "/chat"),
    ("GET", "/chat/<conversation_id>"),
    ("GET", "/chat/<conversation_id>/print"),
    ("GET", "/service"),
    ("GET", "/signin"),
    ("POST", "/signin"),
    ("GET", "/signup"),
    ("GET", "/forgotten"),
    ("POST", "/forgotten"),
    ("GET", "/reset"),
    ("GET", "/verify"),
    ("GET", "/settings"),
    ("GET", "/admin"),
    ("GET", "/.well-known/security.txt"),
    ("POST", "/auth/oidc"),
    ("GET", "/auth/oidc/callback"),
    ("POST", "/account/identities"),
    ("GET", "/widget.js"),
    ("GET", "/robots.txt"),
    ("GET", "/favicon.ico"),
    ("GET", "/static/<version>/<path:path>"),
    ("GET", "/api/docs"),
    ("GET", "/api/docs/files/<path:path>"),
    ("GET", "/api/openapi.json"),
}
QUESTION = {"message": "What is 6 times 7?"}
CALLS = [
    pytest.param("POST /chat", QUESTION, results.ChatOut, id="chat"),
    pytest.param("POST /chat?render=html", QUESTION, results.ChatOut, id="chat-html"),
    pytest.param("POST /chat?render=html", {"conversation_id": "new", **QUESTION}, results.ChatOut, id="chat-kept"),
    pytest.param("POST /tokens", QUESTION, results.TokensOut, id="tokens"),
    pytest.param("GET /models", None, results.ModelsOut, id="models"),
    pytest.param("GET /health", None, results.HealthOut, id="health"),
    pytest.param("GET /api", None, results.ApiOut, id="api"),
]


@pytest.fixture
def document(client: FlaskClient) -> Payload:
    described: Payload = client.get("/api/openapi.json").json
    return described


def methods_of(app: Flask) -> set[tuple[str, str]]:
    rules = app.url_map.iter_rules()
    return {(method, rule.rule) for rule in rules for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}


def validator_of(document: Payload, schema: Payload) -> OAS31Validator:
    return OAS31Validator({**schema, "components": document["components"]})


def test_the_document_is_valid(document: Payload) -> None:
    """Generators of clients refuse anything else."""
    OpenAPIV31SpecValidator(document).validate()

    assert document["openapi"].startswith("3.1.")


def test_every_route_of_the_api_is_described_and_nothing_else(app: Flask, document: Payload) -> None:
    """A route that is not described is one that nobody finds; a described one must be there."""
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    routes = {(method, re.sub(r"<([a-z_]+)>", r"{\1}", rule)) for method, rule in methods_of(app) - PAGE_RULES}

    assert described == routes
    assert methods_of(app) >= PAGE_RULES


def test_every_operation_has_a_name_of_its_own_and_a_summary(document: Payload) -> None:
    """Both become names in generated clients."""
    operations = [operation for item in document["paths"].values() for operation in item.values()]

    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all(operation["summary"] and operation["description"] for operation in operations)


@pytest.mark.parametrize(("route", "body", "shape"), CALLS)
def test_what_a_route_answers_is_what_its_description_says(
    client: FlaskClient, document: Payload, route: str, body: Payload | None, shape: type[msgspec.Struct]
) -> None:
    """Field by field: none undescribed, none missing."""
    method, path = route.split()

    answered = client.open(path, method=method, json=body)

    operation = document["paths"][path.partition("?")[0]][method.lower()]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    validator_of(document, schema).validate(answered.json)
    fields = msgspec.structs.fields(shape)
    is_whole = "conversation_id" in (body or {})
    assert {field.encode_name for field in fields if field.required or is_whole} <= set(answered.json)
    assert set(answered.json) <= {field.encode_name for field in fields}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"message": "Hi"}, id="message"),
        pytest.param({"message": "Hi", "history": [{"role": "assistant", "content": "Yes?"}]}, id="history"),
        pytest.param({"messages": [{"role": "user", "content": "Hi"}]}, id="openai-form"),
        pytest.param({"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]}, id="long-form"),
        pytest.param({"messages": [{"role": "ai", "text": "Yes?"}, {"role": "user", "text": "Hi"}]}, id="deep-chat"),
        pytest.param({"message": "Hi", "model": "demo", "temperature": 2, "max_tokens": 1}, id="choices"),
        pytest.param({"message": "Hi", "model": None, "temperature": None, "max_tokens": None}, id="nulls"),
    ],
)
def test_a_body_that_is_taken_is_valid_by_the_description(
    client: FlaskClient, document: Payload, body: Payload
) -> None:
    """Else a generated client could not send it."""
    schema = document["paths"]["/chat"]["post"]["requestBody"]["content"]["application/json"]["schema"]

    validator_of(document, schema).validate(body)
    assert client.post("/chat", json=body).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"message": "Hi", "mesage": "x"}, id="unknown-field"),
        pytest.param({"message": 5}, id="number"),
        pytest.param({"message": "Hi", "temperature": 2.1}, id="too-hot"),
        pytest.param({"message": "Hi", "max_tokens": 0}, id="no-tokens"),
        pytest.param({"messages": [{"role": "robot", "content": "Hi"}]}, id="role"),
    ],
)
def test_a_body_that_is_refused_is_invalid_by_the_description(
    client: FlaskClient, document: Payload, body: Payload
) -> None:
    """So that tools find the mistake before it is sent."""
    schema = document["paths"]["/chat"]["post"]["requestBody"]["content"]["application/json"]["schema"]

    assert not validator_of(document, schema).is_valid(body)
    assert client.post("/chat", json=body).status_code == 422


def test_an_error_is_described_too(client: FlaskClient, document: Payload) -> None:
    """Clients read errors more often than their authors think."""
    answered = client.post("/chat", json={})

    schema: Any = document["paths"]["/chat"]["post"]["responses"][str(answered.status_code)]
    validator_of(document, schema["content"]["application/problem+json"]["schema"]).validate(answered.json)
    assert set(answered.json) == {field.name for field in msgspec.structs.fields(results.Problem)} - {"retry_after"}
