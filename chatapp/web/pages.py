"""The pages people see, and the widget's script for pages elsewhere."""

from typing import Any

from flask import Blueprint, Flask, Response, render_template, request

from chatapp.config import ROOT
from chatapp.version import VERSION
from chatapp.web.assets import send_asset
from chatapp.web.context import config, services
from chatapp.web.info import as_json

bp = Blueprint("pages", __name__)


def init_pages(app: Flask) -> None:
    app.context_processor(_page_context)
    app.register_blueprint(bp)


@bp.get("/")
def landing() -> str:
    directory = services().directory
    return render_template(
        "landing.html", page="landing", demo=directory.integration == "demo", default_model=directory.default_id
    )


# The preflight of `POST /chat` belongs to the API, so this route does not answer OPTIONS.
@bp.get("/chat", provide_automatic_options=False)
def chat() -> str:
    return render_chat()


@bp.get("/service")
def service() -> str:
    directory = services().directory
    return render_template(
        "service.html",
        page="service",
        models=[as_json(each) for each in directory.listing()],
        default_model=directory.default_id,
        integration=directory.integration,
    )


@bp.get("/widget.js")
def widget() -> Response:
    """The widget, for pages of any site; short-lived, since its address never changes."""
    response = send_asset(ROOT / "static" / "widget", "widget.js", cache_control="public, max-age=300")
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@bp.get("/robots.txt")
def robots() -> Response:
    return Response("User-agent: *\nAllow: /\n", mimetype="text/plain")


def render_chat(
    *,
    conversation: list[dict[str, Any]] | None = None,
    draft: str = "",
    error: dict[str, Any] | None = None,
    model: str | None = None,
) -> str:
    """Render the chat page.

    Shape: `conversation` entries are `{role, text, html, time}`; `error` is a problem document.
    """
    directory = services().directory
    return render_template(
        "chat.html",
        page="chat",
        models=[as_json(each) for each in directory.listing()],
        default_model=model or directory.default_id,
        demo=directory.integration == "demo",
        conversation=conversation or [],
        draft=draft,
        error=error,
        max_message_chars=config().max_message_chars,
    )


def _page_context() -> dict[str, Any]:
    settings = config()
    return {
        "site_name": settings.site_name,
        "contact_phone": settings.contact_phone,
        "contact_email": settings.contact_email,
        "base_url": settings.base_url or request.host_url.rstrip("/"),
        "version": VERSION,
    }
