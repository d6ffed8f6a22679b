"""The OpenAPI 3.1 document, made from the routes themselves."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
from flask import Flask

from chatapp.version import VERSION
from chatapp.web.reading import KEY_HEADER
from chatapp.web.results import Problem

View = TypeVar("View", bound=Callable[..., Any])

REF = "#/components/schemas/{name}"

ERROR_REASONS = {
    400: "The request is not well-formed, or names a model that cannot be asked.",
    401: "The credential is not valid.",
    403: "Another site made the browser send this.",
    404: "There is no such thing, or it is somebody else's.",
    408: "The body took too long to arrive.",
    409: "The request fits a state that has passed; `code` says which.",
    413: "The body, or the conversation, is too large.",
    415: "The body's type is not taken.",
    422: "The body is not what this route takes; the detail names the field.",
    429: "The model is busy; see `retry_after`.",
    502: "The model's server failed.",
    503: "The server or its database is busy; see `retry_after`.",
    504: "The model took too long.",
}

KEY_PARAMETER = {
    "name": KEY_HEADER,
    "in": "header",
    "required": False,
    "description": "Your own key for the model's provider, used for this request only.",
    "schema": {"type": "string"},
}
RENDER_PARAMETER = {
    "name": "render",
    "in": "query",
    "required": False,
    "description": "`html` adds the answer as sanitised HTML.",
    "schema": {"type": "string", "enum": ["html", "none"]},
}
POSITION_PARAMETER = {
    "name": "Last-Event-ID",
    "in": "header",
    "required": False,
    "description": "The position to go on from: the `id` of the last event that arrived.",
    "schema": {"type": "string"},
}
REQUEST_KEY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same body is the same request: it is answered once. Kept for 48 hours.",
    "schema": {"type": "string", "maxLength": 200},
}
ID_SCHEMA = {"type": "string", "format": "uuid"}
TEXT_SCHEMA = {"type": "string"}
PATH_PARAMETER = re.compile(r"<(?:[a-z]+:)?([a-z_]+)>")


class Operation(msgspec.Struct, kw_only=True):
    """What the document says of one route."""

    summary: str
    tag: str = "Chat"
    body: Any = None
    result: Any = None
    events: Any = None
    errors: tuple[int, ...] = ()
    status: int = 200
    query: Mapping[str, str] = {}
    takes_key: bool = False
    takes_render: bool = False
    takes_position: bool = False
    takes_request_key: bool = False


def documented(**facts: Any) -> Callable[[View], View]:
    """Describe a route; only described routes are part of the public API."""

    def describe(view: View) -> View:
        view.operation = Operation(**facts)  # type: ignore[attr-defined]
        return view

    return describe


def operations(app: Flask) -> list[tuple[str, str, Operation, str]]:
    """Return method, path, description and the docstring's first line of every documented route, in path order."""
    found = []
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        operation: Operation | None = getattr(view, "operation", None)
        if operation is not None:
            methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
            path = PATH_PARAMETER.sub(r"{\1}", rule.rule)
            found += [(method, path, operation, view.__doc__ or "") for method in methods]
    return sorted(found, key=lambda each: (each[1], each[0]))


def describe_api(app: Flask, *, title: str, server_url: str) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of all documented routes."""
    described = operations(app)
    shapes = {shape for *_, operation, _ in described for shape in _shapes(operation)} | {Problem}
    ordered = sorted(shapes, key=lambda shape: str(getattr(shape, "__name__", shape)))
    schemas, components = msgspec.json.schema_components(ordered, ref_template=REF)
    by_shape = dict(zip(ordered, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for method, path, operation, doc in described:
        paths.setdefault(path, {})[method.lower()] = _operation_object(method, path, operation, doc, by_shape)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": VERSION, "summary": "Chat with a model over REST and SSE."},
        "servers": [{"url": server_url}],
        "paths": paths,
        "components": {"schemas": components},
    }


def _shapes(operation: Operation) -> list[Any]:
    return [shape for shape in (operation.body, operation.result, operation.events) if shape is not None]


def _operation_object(
    method: str, path: str, operation: Operation, doc: str, by_shape: dict[Any, Any]
) -> dict[str, Any]:
    described: dict[str, Any] = {
        "tags": [operation.tag],
        "operationId": method.lower() + re.sub(r"[^a-z]+", "_", path).rstrip("_"),
        "summary": operation.summary,
        "description": doc.strip().partition("\n")[0],
        "responses": {str(operation.status): _success(operation, by_shape)},
    }
    problem = {"application/problem+json": {"schema": by_shape[Problem]}}
    for status in operation.errors:
        described["responses"][str(status)] = {"description": ERROR_REASONS[status], "content": problem}
    if operation.body is not None:
        content = {"application/json": {"schema": by_shape[operation.body]}}
        described["requestBody"] = {"required": True, "content": content}
    if parameters := _parameters(path, operation):
        described["parameters"] = parameters
    return described


def _success(operation: Operation, by_shape: dict[Any, Any]) -> dict[str, Any]:
    if operation.events is None and operation.result is None:
        return {"description": "Done; there is nothing to return."}
    is_stream = operation.events is not None
    schema = by_shape[operation.events if is_stream else operation.result]
    return {
        "description": "Done.",
        "content": {"text/event-stream" if is_stream else "application/json": {"schema": schema}},
    }


def _parameters(path: str, operation: Operation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": ID_SCHEMA if name.endswith("_id") else TEXT_SCHEMA}
        for name in re.findall(r"{([a-z_]+)}", path)
    ]
    found += [
        {"name": name, "in": "query", "required": False, "description": meaning, "schema": {"type": "string"}}
        for name, meaning in operation.query.items()
    ]
    optional = (
        (operation.takes_render, RENDER_PARAMETER),
        (operation.takes_key, KEY_PARAMETER),
        (operation.takes_position, POSITION_PARAMETER),
        (operation.takes_request_key, REQUEST_KEY_PARAMETER),
    )
    return found + [parameter for is_taken, parameter in optional if is_taken]
