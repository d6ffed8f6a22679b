"""The OpenAPI 3.1 document, made from the routes themselves."""

from collections.abc import Callable
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
    408: "The body took too long to arrive.",
    413: "The body, or the conversation, is too large.",
    415: "The body's type is not taken.",
    422: "The body is not what this route takes; the detail names the field.",
    429: "The model is busy; see `retry_after`.",
    502: "The model's server failed.",
    503: "The server is busy; see `retry_after`.",
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


class Operation(msgspec.Struct, kw_only=True):
    """What the document says of one route."""

    summary: str
    tag: str = "Chat"
    body: Any = None
    result: Any = None
    events: Any = None
    errors: tuple[int, ...] = ()
    takes_key: bool = False
    takes_render: bool = False


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
            found += [(method, rule.rule, operation, view.__doc__ or "") for method in methods]
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
    content_type = "text/event-stream" if operation.events is not None else "application/json"
    schema = by_shape[operation.events if operation.events is not None else operation.result]
    described: dict[str, Any] = {
        "tags": [operation.tag],
        "operationId": method.lower() + path.replace("/", "_").replace(".", "_"),
        "summary": operation.summary,
        "description": doc.strip().partition("\n")[0],
        "responses": {"200": {"description": "Done.", "content": {content_type: {"schema": schema}}}},
    }
    problem = {"application/problem+json": {"schema": by_shape[Problem]}}
    for status in operation.errors:
        described["responses"][str(status)] = {"description": ERROR_REASONS[status], "content": problem}
    if operation.body is not None:
        content = {"application/json": {"schema": by_shape[operation.body]}}
        described["requestBody"] = {"required": True, "content": content}
    parameters = [
        parameter
        for is_taken, parameter in ((operation.takes_render, RENDER_PARAMETER), (operation.takes_key, KEY_PARAMETER))
        if is_taken
    ]
    if parameters:
        described["parameters"] = parameters
    return described
