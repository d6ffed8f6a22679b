"""The chat page without JavaScript: a form post that is answered with the page of its conversation."""

from uuid import UUID

from flask import Response, g, make_response, redirect, request, url_for

from chatapp.errors import AppError, InvalidBody, NotFound
from chatapp.services.runs import Feed
from chatapp.services.runs.questions import StaleParent, StoredQuestion
from chatapp.web.access import check_keeping
from chatapp.web.context import config, services
from chatapp.web.errors import problem_of
from chatapp.web.followers import wait_for_end
from chatapp.web.guards import check_same_site
from chatapp.web.own_keys import own
from chatapp.web.pages import render_chat
from chatapp.web.principals import principal_or_new
from chatapp.web.reader import ReaderWatch
from chatapp.web.reading import checked_text, read_body, read_id, read_model_id


def answer_form() -> Response:
    """Answer a post of the chat page's form: wait for the answer, then send the browser to its conversation.

    Body: the fields `message`, `model`, `conversation_id` (`new` for a new one) and `parent_id` (empty for none).
    What was not sent renders the page with the text still in the composer.
    Raises: `Forbidden` (403) for a form from another site, or a token that lacks the scopes of what the page shows.
    """
    check_same_site()
    check_keeping()
    read_body(request)  # within its limits; the form is parsed from what was read
    draft = request.form.get("message", "")
    conversation_id: UUID | None = None
    try:
        conversation_id = _id_or_none("conversation_id")
        feed = _begin(draft, conversation_id)
    except AppError as error:
        g.outcome = error.code
        problem = problem_of(error, g.request_id)
        if isinstance(error, NotFound):
            # What was to go on is gone; the text can begin anew.
            conversation_id = None
        return make_response(render_chat(conversation_id, draft=draft, error=problem), error.status)
    with ReaderWatch(request):
        wait_for_end(feed)
    opening = feed.opening
    address = url_for("pages.conversation", conversation_id=opening.conversation_id, _anchor=f"m-{opening.run_id}")
    return make_response(redirect(address, 303))


def _begin(draft: str, conversation_id: UUID | None) -> Feed:
    text = checked_text(draft, "message", config())
    if not text.strip():
        raise InvalidBody("The message is empty: there is nothing to answer.")
    asked = StoredQuestion(
        conversation_id=conversation_id,
        parent_id=_id_or_none("parent_id"),
        text=text,
        model=read_model_id(request.form.get("model")),
        own=own(),
    )
    try:
        return services().runs.begin(principal_or_new(), asked)
    except StaleParent as stale:
        stale.message = (
            "This conversation went on elsewhere; its newest messages are shown now. Send again if it still fits."
        )
        raise


def _id_or_none(field: str) -> UUID | None:
    raw = request.form.get(field, "")
    return None if raw in ("", "new") else read_id(raw, field)
