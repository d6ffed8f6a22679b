"""Stored messages as the API shows them."""

from typing import Any

from chatapp.core.conversations import StoredMessage
from chatapp.services.rendering import RENDERER_VERSION, render
from chatapp.web.answers import cost_of, usage_of


def as_message(message: StoredMessage, *, siblings: list[Any] | None = None, with_html: bool = False) -> dict[str, Any]:
    """Return one message; `siblings` are the ids of all answers to the same parent, itself included.

    Units: milliseconds, tokens, US dollars.
    """
    shown: dict[str, Any] = {
        "id": str(message.id),
        "parent_id": None if message.parent_id is None else str(message.parent_id),
        "role": message.role,
        "text": message.text,
        "state": message.state,
        "created_at": message.created_at.isoformat(),
        "model": message.model,
        "rating": message.rating,
        "pinned": message.is_pinned,
        "siblings": [str(each) for each in siblings or [message.id]],
    }
    if message.role == "assistant":
        shown |= {
            "usage": usage_of(message.usage),
            "cost_usd": cost_of(message.usage),
            "elapsed_ms": message.elapsed_ms,
            "first_token_ms": message.first_token_ms,
            "finish_reason": message.finish_reason,
            "error_code": message.error_code,
            "error": message.remarks.get("error"),
            "notices": message.remarks.get("notices", []),
            "context": message.remarks.get("context"),
        }
        if with_html:
            shown["html"] = html_of(message)
    return shown


def html_of(message: StoredMessage) -> str:
    """Return an answer as safe HTML: as it was rendered when it was made, unless the renderer has changed since."""
    if message.html is not None and message.html_version == RENDERER_VERSION:
        return message.html
    return render(message.text) if message.text else ""
