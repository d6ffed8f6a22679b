"""Reading requests: bodies that may be late, large, odd or hostile, and what they must hold."""

import json
import re
from hashlib import sha256
from typing import Annotated, Any, Literal, NoReturn, TypeVar
from uuid import UUID

import gevent
import msgspec
from flask import Request, current_app
from gunicorn.http.errors import ParseException
from msgspec import UNSET, UnsetType
from werkzeug.exceptions import RequestEntityTooLarge

from chatapp.config import Config
from chatapp.core.chat import Message, Role
from chatapp.core.own_servers import NOTHING_OWN, Own
from chatapp.errors import BadInput, InvalidBody, PayloadTooLarge, RequestTimeout, UnsupportedMediaType
from chatapp.services.answering import Question
from chatapp.services.runs.questions import StoredQuestion

T = TypeVar("T")

KEY_HEADER = "X-Provider-Key"
KEY_FORM = re.compile(r"[!-~]{8,512}\Z")
REQUEST_KEY_HEADER = "Idempotency-Key"
REQUEST_KEY_FORM = re.compile(r"[!-~]{1,200}\Z")
ID_FORM = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
MODEL_FORM = re.compile(r"[!-~]{1,200}\Z")
NOT_TEXT = re.compile("[\x00\ud800-\udfff]")

ROLES: dict[str, Role] = {"system": "system", "user": "user", "assistant": "assistant", "ai": "assistant"}


class TextPart(msgspec.Struct, forbid_unknown_fields=True):
    """A piece of a message in OpenAI's long form."""

    type: Literal["text"]
    text: str


class MessageIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One message, in OpenAI's form (`role`, `content`) or Deep Chat's (`role` user or ai, `text`)."""

    role: Literal["system", "user", "assistant", "ai"]
    content: str | list[TextPart] | UnsetType = UNSET
    text: str | UnsetType = UNSET


class ChatIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The body of `POST /chat` and `POST /chat/stream`.

    Either stateless, with `message` (and `history`) or `messages`; or kept, with `conversation_id` (an id, or "new"),
    `parent_id` and `message`, which is left out to answer the question `parent_id` again.
    """

    message: str | UnsetType = UNSET
    history: list[MessageIn] | UnsetType = UNSET
    messages: list[MessageIn] | UnsetType = UNSET
    conversation_id: str | UnsetType = UNSET
    parent_id: str | UnsetType | None = UNSET
    branch: bool | UnsetType = UNSET
    instructions: str | None = None
    model: str | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=1, le=10_000_000)] | None = None


class TokensIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The body of `POST /tokens`."""

    message: str
    model: str | None = None


def read_question(request: Request, config: Config, own: Own = NOTHING_OWN) -> Question | StoredQuestion:
    """Read a chat request: one for a conversation that is kept if it names one; `own` is what the person brings along.

    Raises: `BadInput` (400), `RequestTimeout` (408), `PayloadTooLarge` (413), `UnsupportedMediaType` (415),
    `InvalidBody` (422, names the field).
    """
    body = read_json(request, ChatIn)
    if body.conversation_id is not UNSET:
        return _stored_question(body, body.conversation_id, request, config, own)
    for field in ("parent_id", "branch"):
        if getattr(body, field) is not UNSET:
            raise InvalidBody(f"`{field}` goes with `conversation_id`.")
    if REQUEST_KEY_HEADER in request.headers:
        raise BadInput(f"{REQUEST_KEY_HEADER} goes with `conversation_id`: what is not kept cannot be found again.")
    messages = _messages_of(body, config)
    if body.instructions:
        messages = (Message("system", checked_text(body.instructions, "instructions", config)), *messages)
    return Question(
        messages=messages,
        model=read_model_id(body.model),
        temperature=body.temperature,
        max_tokens=body.max_tokens,
        own=own,
        is_rendered=read_render(request),
    )


def _stored_question(body: ChatIn, conversation_id: str, request: Request, config: Config, own: Own) -> StoredQuestion:
    if body.history is not UNSET or body.messages is not UNSET:
        raise InvalidBody("With `conversation_id` the earlier messages are known: leave out `history` and `messages`.")
    is_new = conversation_id == "new"
    if body.parent_id is UNSET and not is_new:
        raise InvalidBody("`parent_id` is missing: the last message you know of, or null in an empty conversation.")
    parent_id = None if not isinstance(body.parent_id, str) else read_id(body.parent_id, "parent_id")
    if is_new and parent_id is not None:
        raise InvalidBody("`parent_id` must be null in a new conversation.")
    text: str | None = None
    if body.message is not UNSET:
        text = checked_text(body.message, "message", config)
        if not text.strip():
            raise InvalidBody("`message` is empty: there is nothing to answer.")
    elif parent_id is None:
        raise InvalidBody("`message` is missing.")
    instructions = body.instructions or None
    return StoredQuestion(
        conversation_id=None if is_new else read_id(conversation_id, "conversation_id"),
        parent_id=parent_id,
        text=text,
        is_branch=body.branch is True,
        instructions=instructions and checked_text(instructions, "instructions", config),
        model=read_model_id(body.model),
        temperature=body.temperature,
        max_tokens=body.max_tokens,
        own=own,
        request_key=_read_request_key(request),
        body_hash=sha256(msgspec.json.encode(body)).hexdigest(),
    )


def read_id(raw: str, field: str) -> UUID:
    """Raises: `InvalidBody` (422) for what is no id."""
    if not ID_FORM.match(raw):
        raise InvalidBody(f"`{field}` is not an id.")
    return UUID(raw)


def _read_request_key(request: Request) -> str | None:
    raw = request.headers.get(REQUEST_KEY_HEADER)
    if raw is not None and not REQUEST_KEY_FORM.match(raw):
        raise BadInput(f"{REQUEST_KEY_HEADER} must be 1 to 200 printable ASCII characters.")
    return raw


def read_json(request: Request, shape: type[T]) -> T:
    """Read a JSON body of exactly one shape; unknown fields are refused by name.

    Raises: see `read_question`.
    """
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("The body must be JSON: send Content-Type: application/json.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("A compressed body is not taken; send it as it is.")
    raw = read_body(request)
    try:
        parsed = json.loads(raw.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_no_constants)
    except _DuplicateKey as exc:
        raise BadInput("The JSON names a field twice.", code="invalid_json") from exc
    except (ValueError, RecursionError) as exc:
        # The parser's own words would echo the body.
        raise BadInput("The body is not valid JSON.", code="invalid_json") from exc
    try:
        return msgspec.convert(parsed, shape)
    except msgspec.ValidationError as exc:
        raise InvalidBody(f"The body is not as expected: {_shortened(str(exc))}.") from exc
    except UnicodeEncodeError as exc:
        # Where one of several words, or a field's name, is looked for.
        raise InvalidBody("The body holds half of a surrogate pair, which is not text.") from exc


def read_body(request: Request) -> bytes:
    """Read the whole body within the time and size that are allowed."""
    config: Config = current_app.extensions["config"]
    try:
        with gevent.Timeout(config.body_timeout_s, RequestTimeout("The body took too long to arrive.")):
            body = request.get_data()
    except RequestEntityTooLarge as exc:
        raise _too_large(config) from exc
    except (OSError, ParseException) as exc:
        # The server's words for a client that left and for a chunk without a proper length.
        raise BadInput("The body did not arrive whole.") from exc
    # A body without a length is cut at the limit without a word.
    if request.content_length is None and len(body) >= config.max_body_bytes:
        raise _too_large(config)
    return body


def _too_large(config: Config) -> PayloadTooLarge:
    return PayloadTooLarge(f"The body is larger than {config.max_body_bytes:,} bytes.")


def read_model_id(raw: str | None) -> str | None:
    if not raw:
        return None
    if not MODEL_FORM.match(raw):
        raise InvalidBody("`model` must be 1 to 200 printable characters without spaces.")
    return raw


def read_own_key(request: Request) -> str | None:
    """Return the person's own provider key, or None."""
    raw = request.headers.get(KEY_HEADER)
    if raw is None:
        return None
    if not KEY_FORM.match(raw):
        raise InvalidBody(f"{KEY_HEADER} is not a key: 8 to 512 printable ASCII characters without spaces.")
    return raw


def read_render(request: Request) -> bool:
    raw = request.args.get("render")
    if raw not in (None, "html", "none"):
        raise BadInput("`render` must be html or none.")
    return raw == "html"


def read_messages(given: list[MessageIn], field: str, config: Config) -> list[Message]:
    """Turn messages of either form into ours.

    Raises: `InvalidBody` naming the message by its place.
    """
    return [
        Message(ROLES[message.role], _text_of(message, f"{field}[{index}]", config))
        for index, message in enumerate(given)
    ]


def checked_text(text: str, field: str, config: Config) -> str:
    """Raises: `InvalidBody` for text that cannot be carried or is too long."""
    if len(text) > config.max_message_chars:
        raise PayloadTooLarge(f"`{field}` is longer than {config.max_message_chars:,} characters.")
    if NOT_TEXT.search(text):
        raise InvalidBody(f"`{field}` holds a NUL or half of a surrogate pair, which is not text.")
    return text


def _messages_of(body: ChatIn, config: Config) -> tuple[Message, ...]:
    if (body.message is UNSET) == (body.messages is UNSET):
        raise InvalidBody("Send either `message` or `messages`.")
    if body.messages is not UNSET:
        if body.history is not UNSET:
            raise InvalidBody("`history` goes with `message`; with `messages` it has no place.")
        field, messages = "messages", read_messages(body.messages, "messages", config)
    else:
        history = [] if body.history is UNSET else read_messages(body.history, "history", config)
        assert body.message is not UNSET
        field, messages = "message", [*history, Message("user", checked_text(body.message, "message", config))]
    if len(messages) > config.max_messages:
        raise PayloadTooLarge(f"A request holds at most {config.max_messages:,} messages.")
    if not messages or messages[-1].role != "user":
        raise InvalidBody(f"`{field}` must end with a message of the user's.")
    if not messages[-1].text.strip():
        raise InvalidBody(f"`{field}` is empty: there is nothing to answer.")
    return tuple(messages)


def _text_of(message: MessageIn, field: str, config: Config) -> str:
    if (message.content is UNSET) == (message.text is UNSET):
        raise InvalidBody(f"`{field}` must have either `content` or `text`.")
    if isinstance(message.text, str):
        return checked_text(message.text, f"{field}.text", config)
    content = message.content
    text = content if isinstance(content, str) else "".join(part.text for part in content or [])
    return checked_text(text, f"{field}.content", config)


class _DuplicateKey(Exception):
    """A JSON object names a field twice."""


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _DuplicateKey
    return found


def _no_constants(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _shortened(text: str) -> str:
    """Make a validation message safe to show: it may hold a field name of any length and content."""
    text = "".join(char if char.isprintable() else "?" for char in text)
    return text if len(text) <= 200 else text[:199] + "…"
