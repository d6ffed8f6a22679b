"""Every error as an RFC 9457 problem document, or as a page where a browser asked for one."""

import logging
from typing import Any

import msgspec
from flask import Flask, Response, g, render_template, request
from werkzeug.exceptions import HTTPException

from chatapp.errors import AppError

log = logging.getLogger(__name__)

# Words for people where the framework found the fault.
HTTP_FAULTS = {
    400: ("bad_request", "The request is not well-formed."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take that method."),
    408: ("request_timeout", "The request took too long to arrive."),
    412: ("precondition_failed", "The file is no longer the one that `If-Match` names."),
    413: ("payload_too_large", "The body is too large."),
    415: ("unsupported_media_type", "The body's type is not taken here."),
}

TITLES = {
    400: "Bad request", 401: "Unauthorized", 403: "Forbidden", 404: "Not found", 405: "Method not allowed",
    408: "Request timeout", 409: "Conflict", 412: "Precondition failed", 413: "Payload too large",
    414: "URI too long", 415: "Unsupported media type", 421: "Misdirected request", 422: "Invalid body",
    429: "Too many requests", 431: "Headers too large", 500: "Internal error", 501: "Not implemented",
    502: "Bad gateway", 503: "Service unavailable", 504: "Gateway timeout",
}  # fmt: skip


def init_errors(app: Flask) -> None:
    app.register_error_handler(AppError, _on_app_error)
    app.register_error_handler(HTTPException, _on_http_exception)
    app.register_error_handler(Exception, _on_bug)


def problem_of(error: AppError, request_id: str) -> dict[str, Any]:
    """Return the problem document that tells of `error`.

    Source: RFC 9457; `code`, `request_id`, `retryable` and `retry_after` (seconds) are our extensions.
    """
    problem = {
        "type": "about:blank",
        "title": TITLES.get(error.status, "Error"),
        "status": error.status,
        "detail": error.message,
        "code": error.code,
        "request_id": request_id,
        "retryable": error.retryable,
    }
    if error.retry_after_s is not None:
        problem["retry_after"] = error.retry_after_s
    return {**problem, **error.facts}


def _on_app_error(error: AppError) -> Response:
    problem = problem_of(error, g.request_id)
    g.outcome = error.code
    response = _page(problem) if wants_page() else _document(problem)
    response.status_code = error.status
    response.headers["Cache-Control"] = "no-store"
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _on_http_exception(exc: HTTPException) -> Response:
    if exc.code is None or exc.code < 400:
        return exc.get_response()  # type: ignore[return-value]  # werkzeug's response, which Flask's extends
    code, message = HTTP_FAULTS.get(exc.code, ("bad_request" if exc.code < 500 else "internal", "That did not work."))
    response = _on_app_error(_FrameworkError(exc.code, message, code))
    allowed = exc.get_response().headers.get("Allow")
    if allowed:
        response.headers["Allow"] = allowed
    return response


def _on_bug(exc: Exception) -> Response:
    log.error("request.failed", exc_info=exc)
    return _on_app_error(AppError("Something went wrong on this server."))


class _FrameworkError(AppError):
    """A fault that Flask or Werkzeug found."""

    def __init__(self, status: int, message: str, code: str) -> None:
        super().__init__(message, code=code)
        self.status = status  # type: ignore[misc]  # a class constant everywhere else


def wants_page() -> bool:
    """Say whether a browser asks for something to look at."""
    accepted = request.accept_mimetypes
    return accepted.best_match(["application/json", "text/html"]) == "text/html" and "text/html" in accepted.values()


def _document(problem: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(problem), mimetype="application/problem+json")


def _page(problem: dict[str, Any]) -> Response:
    return Response(render_template("error.html", page="error", **problem))
