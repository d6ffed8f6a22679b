"""What an answer costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatapp.core.events import Usage
from chatapp.core.models import Model
from chatapp.core.pricing import cost_usd_micros

MINI = Model(
    id="m",
    name="m",
    provider="openai",
    input_usd_per_million=0.15,
    cached_input_usd_per_million=0.075,
    output_usd_per_million=0.6,
)


@pytest.mark.parametrize(
    ("prompt", "completion", "cached", "micros"),
    [
        pytest.param(1_000_000, 0, 0, 150_000, id="a-million-in"),
        pytest.param(0, 1_000_000, 0, 600_000, id="a-million-out"),
        pytest.param(1000, 500, 0, 450, id="exact"),
        pytest.param(1000, 500, 1000, 375, id="all-cached"),
        pytest.param(1000, 500, 200, 435, id="some-cached"),
        pytest.param(1, 0, 0, 1, id="rounded-up"),
        pytest.param(20, 0, 0, 3, id="whole"),
        pytest.param(0, 0, 0, 0, id="nothing"),
    ],
)
def test_cost_is_exact_to_the_millionth(prompt: int, completion: int, cached: int, micros: int) -> None:
    """People compare the figure with the provider's bill."""
    usage = Usage(prompt_tokens=prompt, completion_tokens=completion, cached_tokens=cached)

    assert cost_usd_micros(usage, MINI) == micros


@pytest.mark.parametrize(
    ("input_price", "output_price"),
    [pytest.param(None, 1.0, id="input"), pytest.param(1.0, None, id="output"), pytest.param(None, None, id="both")],
)
def test_an_unknown_price_makes_the_cost_unknown(input_price: float | None, output_price: float | None) -> None:
    """Unknown shown as zero would say that a model is free."""
    model = Model(
        id="m", name="m", provider="x", input_usd_per_million=input_price, output_usd_per_million=output_price
    )

    assert cost_usd_micros(Usage(prompt_tokens=1, completion_tokens=1), model) is None


def test_cached_input_without_a_price_of_its_own_costs_as_other_input() -> None:
    """Assuming a discount that nobody stated would show too little."""
    model = Model(id="m", name="m", provider="x", input_usd_per_million=2.0, output_usd_per_million=0.0)

    assert cost_usd_micros(Usage(prompt_tokens=10, completion_tokens=0, cached_tokens=10), model) == 20


@pytest.mark.parametrize("price", [0.1, 0.2, 1.1, 2.2, 0.7, 10.1])
def test_a_price_is_the_decimal_that_was_written(price: float) -> None:
    """The binary number beside 0.1 is a little more, which rounding up would turn into a millionth too much."""
    model = Model(id="m", name="m", provider="x", input_usd_per_million=price, output_usd_per_million=0.0)

    assert cost_usd_micros(Usage(prompt_tokens=10, completion_tokens=0), model) == round(price * 10)


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**6))
def test_more_tokens_never_cost_less(prompt: int, completion: int, cached: int, more: int) -> None:
    """A cost that shrinks while an answer grows would be noticed by everybody."""
    cached = min(cached, prompt)
    less = Usage(prompt_tokens=prompt, completion_tokens=completion, cached_tokens=cached)
    greater = Usage(prompt_tokens=prompt + more, completion_tokens=completion + more, cached_tokens=cached)

    low, high = cost_usd_micros(less, MINI), cost_usd_micros(greater, MINI)

    assert low is not None
    assert high is not None
    assert 0 <= low <= high
