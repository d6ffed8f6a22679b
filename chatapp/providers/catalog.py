"""The catalogue of known models: the package's `models.toml`, overridden by the operator's."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import msgspec

from chatapp.core.models import DEFAULT_ENCODING, Model

BUILT_IN = Path(__file__).resolve().parent.parent / "data" / "models.toml"

Price = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]
Tokens = Annotated[int, msgspec.Meta(ge=1)]


class CatalogError(Exception):
    """A catalogue file that cannot be used; the message is one line that names file and entry."""


class _Entry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One `[models.<id>]` table; prices in US dollars per million tokens."""

    name: str = ""
    provider: str = "openai"
    context_window: Tokens | None = None
    max_output_tokens: Tokens | None = None
    input: Price | None = None
    cached_input: Price | None = None
    output: Price | None = None
    abilities: tuple[str, ...] = ("text",)
    encoding: str = DEFAULT_ENCODING
    retires_on: date | None = None
    successor: str | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    default: str | None = None
    models: dict[str, dict[str, Any]] = {}


class Catalog(msgspec.Struct, frozen=True):
    """Known models by id, in the order they are shown, and the id of the default one."""

    models: dict[str, Model]
    default: str


def load_catalog(own_file: Path | None = None) -> Catalog:
    """Read the built-in catalogue and lay the operator's own file over it, entry by entry and key by key.

    Raises: `CatalogError`.
    """
    built_in = _read(BUILT_IN)
    own = _read(own_file) if own_file else _File()
    tables = {name: {**built_in.models.get(name, {}), **own.models.get(name, {})} for name in built_in.models}
    tables |= {name: table for name, table in own.models.items() if name not in tables}
    models = {name: _model(name, table, own_file or BUILT_IN) for name, table in tables.items()}
    for model in models.values():
        if model.successor is not None and model.successor not in models:
            raise CatalogError(f"{own_file or BUILT_IN}: the successor of {model.id!r} is not in the catalogue.")
    return Catalog(models, own.default or built_in.default or next(iter(models)))


def _read(path: Path) -> _File:
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), _File)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as exc:
        raise CatalogError(f"{path}: {exc}") from None


def _model(model_id: str, table: dict[str, Any], path: Path) -> Model:
    try:
        entry = msgspec.convert(table, _Entry)
    except msgspec.ValidationError as exc:
        raise CatalogError(f"{path}: model {model_id!r}: {exc}") from None
    return Model(
        id=model_id,
        name=entry.name or model_id,
        provider=entry.provider,
        context_window=entry.context_window,
        max_output_tokens=entry.max_output_tokens,
        input_usd_per_million=entry.input,
        cached_input_usd_per_million=entry.cached_input,
        output_usd_per_million=entry.output,
        abilities=entry.abilities,
        encoding=entry.encoding,
        retires_on=entry.retires_on,
        successor=entry.successor,
    )
