"""`/memory`: the facts that a person wants every conversation to know."""

from datetime import datetime
from uuid import UUID

import msgspec
from flask import Blueprint, Response, jsonify, request

from chatapp.errors import NotFound
from chatapp.services.memory import KeptFact, MemoryState
from chatapp.web.access import needs
from chatapp.web.context import config, services
from chatapp.web.openapi import documented
from chatapp.web.principals import principal, principal_or_new
from chatapp.web.reading import ID_FORM, checked_text, read_json

bp = Blueprint("memory", __name__)


class FactIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A fact as you say it: at most 500 characters, on one line."""

    text: str


class SwitchIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Whether models are told the facts."""

    enabled: bool


class FactOut(msgspec.Struct):
    """One fact and how many tokens it takes in each conversation."""

    id: str
    text: str
    tokens: int
    created_at: datetime


class MemoryOut(msgspec.Struct):
    """All facts, oldest first; `tokens` is what they take together, as the default model counts."""

    enabled: bool
    tokens: int
    facts: list[FactOut]


@bp.get("/memory")
@documented(tag="Memory", summary="All facts and what they cost", result=MemoryOut, errors=(400, 401, 503))
@needs("read")
def show_memory() -> Response:
    """Return what every conversation is told of you."""
    return _state(services().memory.state(principal()))


@bp.patch("/memory")
@documented(
    tag="Memory",
    summary="Switch memory on or off",
    body=SwitchIn,
    result=MemoryOut,
    errors=(400, 401, 403, 408, 413, 415, 422, 503),
)
@needs("write")
def switch_memory() -> Response:
    """Have models told the facts, or not; switching off deletes nothing."""
    body = read_json(request, SwitchIn)
    return _state(services().memory.switch(principal_or_new(), is_on=body.enabled))


@bp.post("/memory")
@documented(
    tag="Memory",
    summary="Add a fact",
    body=FactIn,
    result=FactOut,
    status=201,
    errors=(400, 401, 403, 408, 413, 415, 422, 503),
)
@needs("write")
def add_fact() -> tuple[Response, int]:
    """Remember a fact; one that is known already, but for case and a point at the end, is returned as it is.

    Raises: `InvalidBody` (422).
    """
    text = _read_text()
    return jsonify(_as_fact(services().memory.add(principal_or_new(), text))), 201


@bp.patch("/memory/<fact_id>")
@documented(
    tag="Memory",
    summary="Say a fact differently",
    body=FactIn,
    result=FactOut,
    errors=(400, 401, 403, 404, 408, 413, 415, 422, 503),
)
@needs("write")
def change_fact(fact_id: str) -> Response:
    """Change the words of a fact.

    Raises: `NotFound` (404), `InvalidBody` (422).
    """
    text = _read_text()
    return jsonify(_as_fact(services().memory.change(principal(), _id_of(fact_id), text)))


@bp.delete("/memory/<fact_id>")
@documented(tag="Memory", summary="Delete a fact", status=204, errors=(400, 401, 403, 404, 503))
@needs("write")
def forget_fact(fact_id: str) -> tuple[str, int]:
    """Forget a fact for good.

    Raises: `NotFound` (404).
    """
    services().memory.forget(principal(), _id_of(fact_id))
    return "", 204


def _read_text() -> str:
    return checked_text(read_json(request, FactIn).text, "text", config())


def _id_of(raw: str) -> UUID:
    if not ID_FORM.match(raw):
        raise NotFound("There is no such fact.")
    return UUID(raw)


def _state(state: MemoryState) -> Response:
    facts = [_as_fact(each) for each in state.facts]
    return jsonify(enabled=state.is_enabled, tokens=state.tokens, facts=facts)


def _as_fact(kept: KeptFact) -> dict[str, str | int]:
    return {
        "id": str(kept.fact.id),
        "text": kept.fact.text,
        "tokens": kept.tokens,
        "created_at": kept.fact.created_at.isoformat(),
    }
