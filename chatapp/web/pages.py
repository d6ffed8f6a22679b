"""The pages people see, and the widget's script for pages elsewhere."""

from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, Response, render_template, request

from chatapp.config import ROOT
from chatapp.version import VERSION
from chatapp.web.access import needs
from chatapp.web.assets import send_asset
from chatapp.web.context import config, services
from chatapp.web.conversations import as_conversation, as_thread, conversation_id_of, read_message_id
from chatapp.web.info import as_json
from chatapp.web.own_keys import own_models
from chatapp.web.principals import principal
from chatapp.web.thread_list import thread_list

bp = Blueprint("pages", __name__)

FIRST_SCREEN = 30
MOST_PRINTED = 5_000


def init_pages(app: Flask) -> None:
    app.context_processor(_page_context)
    app.register_blueprint(bp)


@bp.get("/")
@needs("public")
def landing() -> str:
    directory = services().directory
    return render_template(
        "landing.html", page="landing", demo=directory.integration == "demo", default_model=directory.default_id
    )


# The preflight of `POST /chat` belongs to the API, so this route does not answer OPTIONS.
@bp.get("/chat", provide_automatic_options=False)
@needs("read")
def chat() -> str:
    return render_chat()


@bp.get("/chat/<conversation_id>")
@needs("read")
def conversation(conversation_id: str) -> str:
    """One conversation: the newest messages of the branch that is shown, or of the branch through `?at=`."""
    return render_chat(conversation_id_of(conversation_id))


@bp.get("/chat/<conversation_id>/print")
@needs("read")
def print_conversation(conversation_id: str) -> str:
    """The whole branch that is shown, plainly, for paper."""
    wanted = conversation_id_of(conversation_id)
    shown = services().conversations.get(principal(), wanted)
    page = services().threads.page(principal(), wanted, limit=MOST_PRINTED, is_rendered=True)
    return render_template(
        "chat_print.html", page="print", conversation=as_conversation(shown), **as_thread(page, with_html=True)
    )


@bp.get("/service")
@needs("public")
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
@needs("public")
def widget() -> Response:
    """The widget, for pages of any site; short-lived, since its address never changes."""
    response = send_asset(ROOT / "static" / "widget", "widget.js", cache_control="public, max-age=300")
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@bp.get("/robots.txt")
@needs("public")
def robots() -> Response:
    return Response("User-agent: *\nAllow: /\n", mimetype="text/plain")


def render_chat(conversation_id: UUID | None = None, *, draft: str = "", error: dict[str, Any] | None = None) -> str:
    """Render the chat page: one conversation, or none yet.

    `error` is a problem document. Raises: `NotFound` (404).
    """
    directory, own = services().directory, own_models()
    whose = principal()
    shown: dict[str, Any] | None = None
    thread: dict[str, Any] = {"messages": [], "more": False, "summary": None}
    if conversation_id is not None:
        shown = as_conversation(services().conversations.get(whose, conversation_id))
        page = services().threads.page(
            whose, conversation_id, limit=FIRST_SCREEN, at=read_message_id("at"), is_rendered=True
        )
        thread = as_thread(page, with_html=True)
    return render_template(
        "chat.html",
        page="chat",
        models=[as_json(each) for each in directory.listing(own)],
        default_model=directory.resolve(None, own).model.id,
        demo=directory.integration == "demo",
        has_guest=whose is not None,
        threads=thread_list(whose),
        conversation=shown,
        draft=draft,
        error=error,
        max_message_chars=config().max_message_chars,
        **thread,
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
