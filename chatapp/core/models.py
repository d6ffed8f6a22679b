"""What is known of a model, and what state it is in on a given day."""

from datetime import date
from typing import Literal

import msgspec

ModelStatus = Literal["available", "no_key", "retiring", "retired"]

# Local models and those of unknown servers are counted with the newest public encoding, as an estimate.
DEFAULT_ENCODING = "o200k_base"


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One model of the catalogue.

    Units: windows and outputs in tokens, prices in US dollars per million tokens; None is unknown.
    """

    id: str
    name: str
    provider: str
    context_window: int | None = None
    max_output_tokens: int | None = None
    input_usd_per_million: float | None = None
    cached_input_usd_per_million: float | None = None
    output_usd_per_million: float | None = None
    abilities: tuple[str, ...] = ("text",)
    encoding: str = DEFAULT_ENCODING
    retires_on: date | None = None
    successor: str | None = None

    def is_retired(self, today: date) -> bool:
        return self.retires_on is not None and today >= self.retires_on
