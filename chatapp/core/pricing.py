"""What a call costs, in whole millionths of a US dollar."""

from fractions import Fraction
from math import ceil

from chatapp.core.events import Usage
from chatapp.core.models import Model


def cost_usd_micros(usage: Usage, model: Model) -> int | None:
    """Return the price of `usage`, rounded up, or None while a price that it needs is unknown.

    A dollar per million tokens is a millionth of a dollar per token, so prices apply as they are. Cached input without
    a price of its own costs as much as other input.
    """
    input_price, output_price = model.input_usd_per_million, model.output_usd_per_million
    if input_price is None or output_price is None:
        return None
    cached_price = input_price if model.cached_input_usd_per_million is None else model.cached_input_usd_per_million
    exact = (
        (usage.prompt_tokens - usage.cached_tokens) * _exactly(input_price)
        + usage.cached_tokens * _exactly(cached_price)
        + usage.completion_tokens * _exactly(output_price)
    )
    return ceil(exact)


def _exactly(price: float) -> Fraction:
    # Through the shortest decimal form: 0.15 means fifteen hundredths, not the binary number beside it.
    return Fraction(str(price))
