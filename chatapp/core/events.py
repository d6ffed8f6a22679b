"""The small values an answer is made of, in the order a provider gives them."""

from collections.abc import Generator
from typing import Literal

import msgspec

from chatapp.errors import AppError

FinishReason = Literal["stop", "length", "content_filter", "cancelled", "error"]


class Started(msgspec.Struct, frozen=True, gc=False):
    """The provider took the request; `model` is the name it answers under."""

    model: str


class TextDelta(msgspec.Struct, frozen=True, gc=False):
    """The next piece of the answer's text; never empty."""

    text: str


class Silence(msgspec.Struct, frozen=True, gc=False):
    """No text arrived for a while.

    A source yields this so that the stages behind it get to look at the clock and the reader
    gets a heartbeat; every stage passes it on. `is_alive` says that the provider did send something, such as
    hidden reasoning, only no text.
    """

    is_alive: bool = False


class Block(msgspec.Struct, frozen=True, gc=False):
    """A Markdown block that is complete, or as much of a list, table or quote as has arrived.

    A later block with the same `index` takes its place. `html` is sanitised. `rest` is the text after this block that
    is not yet part of any block, so that a reader shows all blocks so far and then `rest` as plain text.
    """

    index: int
    html: str
    rest: str


class Usage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Tokens of one upstream call.

    Units: tokens; `cost_usd_micros` is millionths of a US dollar, None while the price is unknown.
    """

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False
    cost_usd_micros: int | None = None

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


class Finished(msgspec.Struct, frozen=True, gc=False):
    """The answer is over; nothing follows."""

    reason: FinishReason


class Failed(msgspec.Struct, frozen=True):
    """The answer broke off. The text before it stays valid; `Usage` and `Finished("error")` follow."""

    error: AppError


Event = Started | TextDelta | Silence | Block | Usage | Finished | Failed

# An answer in the making. Closing it cancels everything behind it.
Events = Generator[Event, None, None]

SILENCE = Silence()
THINKING = Silence(is_alive=True)
