"""A model and the day it retires."""

from datetime import date

import pytest

from chatapp.core.models import Model


@pytest.mark.parametrize(
    ("today", "is_retired"),
    [
        pytest.param(date(2027, 1, 13), False, id="the-day-before"),
        pytest.param(date(2027, 1, 14), True, id="the-day"),
        pytest.param(date(2030, 1, 1), True, id="long-after"),
    ],
)
def test_a_model_is_retired_from_its_day_on(today: date, is_retired: bool) -> None:
    """The provider refuses it from that day, so the successor must answer from that day."""
    model = Model(id="m", name="m", provider="openai", retires_on=date(2027, 1, 14))

    assert model.is_retired(today) is is_retired


def test_a_model_without_a_date_never_retires() -> None:
    """Local models have no dates."""
    assert not Model(id="m", name="m", provider="ollama").is_retired(date.max)
