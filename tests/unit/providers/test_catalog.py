"""The catalogue of known models, and the operator's own file over it."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from chatapp.core.models import Model
from chatapp.providers.catalog import CatalogError, load_catalog
from chatapp.providers.tokens import RANK_FILES

BUILT_IN = load_catalog()
NAMED = ("gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "gpt-3.5-turbo", "demo")


def own_file(folder: Path, text: str) -> Path:
    path = folder / "own.toml"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("model_id", NAMED)
def test_the_models_that_people_ask_for_by_name_are_known(model_id: str) -> None:
    """Programs written for an older model keep working."""
    assert BUILT_IN.models[model_id].context_window


def test_the_default_is_known() -> None:
    """It answers everybody who names no model."""
    assert BUILT_IN.default == "gpt-4o-mini"
    assert BUILT_IN.default in BUILT_IN.models


@pytest.mark.parametrize("model", BUILT_IN.models.values(), ids=lambda model: model.id)
def test_an_entry_makes_sense(model: Model) -> None:
    """A slip in a price or a window is somebody's money."""
    assert model.provider in {"openai", "demo"}
    assert model.encoding in RANK_FILES
    assert "text" in model.abilities
    assert model.input_usd_per_million is not None
    assert model.output_usd_per_million is not None
    assert model.input_usd_per_million <= model.output_usd_per_million
    assert (model.cached_input_usd_per_million or 0) <= model.input_usd_per_million
    assert model.context_window is not None
    assert (model.max_output_tokens or 1) <= model.context_window


@pytest.mark.parametrize(
    "model", [each for each in BUILT_IN.models.values() if each.retires_on], ids=lambda model: model.id
)
def test_who_retires_has_a_successor_that_lives_on_that_day(model: Model) -> None:
    """From that day on somebody must answer, and the chain must not lead back."""
    assert model.retires_on is not None
    assert model.successor is not None
    assert not BUILT_IN.models[model.successor].is_retired(model.retires_on)
    seen = {model.id}
    last = model
    while last.successor and last.is_retired(date.max):
        last = BUILT_IN.models[last.successor]
        assert last.id not in seen
        seen.add(last.id)
    assert not last.is_retired(date.max)


@pytest.mark.parametrize(
    ("model_id", "day"),
    [
        ("gpt-3.5-turbo", date(2026, 10, 23)),
        ("gpt-4.1-nano", date(2026, 10, 23)),
        ("gpt-5", date(2026, 12, 11)),
        ("gpt-4o", date(2027, 1, 14)),
        ("gpt-4o-mini", date(2027, 1, 14)),
        ("gpt-4.1", date(2027, 1, 14)),
        ("gpt-4.1-mini", date(2027, 1, 14)),
    ],
)
def test_retirement_dates_are_those_of_the_source(model_id: str, day: date) -> None:
    """A day too late and every answer is an error."""
    model = BUILT_IN.models[model_id]

    assert not model.is_retired(day - timedelta(days=1))
    assert model.is_retired(day)


def test_an_own_entry_wins_key_by_key(tmp_path: Path) -> None:
    """One writes only what differs."""
    own = own_file(tmp_path, '[models."gpt-4o"]\ninput = 2.1\n')

    models = load_catalog(own).models

    built_in = BUILT_IN.models["gpt-4o"]
    assert models["gpt-4o"].input_usd_per_million == 2.1
    assert models["gpt-4o"].output_usd_per_million == built_in.output_usd_per_million
    assert models["gpt-4o"].retires_on == built_in.retires_on
    assert {**models, "gpt-4o": built_in} == BUILT_IN.models


def test_own_models_and_an_own_default_come_beside_the_built_in_ones(tmp_path: Path) -> None:
    """A model on one's own machine has a window, and a price if one likes."""
    own = own_file(tmp_path, 'default = "llama"\n[models.llama]\nprovider = "ollama"\ncontext_window = 131_072\n')

    catalog = load_catalog(own)

    assert catalog.default == "llama"
    assert catalog.models["llama"] == Model(id="llama", name="llama", provider="ollama", context_window=131_072)
    assert list(catalog.models)[:-1] == list(BUILT_IN.models)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        pytest.param("[models.x]\nwindow = 5\n", ("'x'", "window"), id="unknown-key"),
        pytest.param("[models.x]\ncontext_window = 0\n", ("'x'", "context_window"), id="window-zero"),
        pytest.param('[models.x]\ncontext_window = "8k"\n', ("'x'", "context_window"), id="window-text"),
        pytest.param("[models.x]\ninput = -1.0\n", ("'x'", "input"), id="price-negative"),
        pytest.param("[models.x]\ninput = nan\n", ("'x'", "input"), id="price-nan"),
        pytest.param("[models.x]\ninput = inf\n", ("'x'", "input"), id="price-inf"),
        pytest.param('[models.x]\nretires_on = "soon"\n', ("'x'", "retires_on"), id="date-text"),
        pytest.param('[models.x]\nsuccessor = "nobody"\n', ("'x'", "successor"), id="successor-unknown"),
        pytest.param("[model.x]\n", ("model",), id="misspelt-table"),
        pytest.param("[models.x\n", ("line 1",), id="not-TOML"),
    ],
)
def test_a_file_that_cannot_be_used_says_where(tmp_path: Path, text: str, named: tuple[str, ...]) -> None:
    """One line that leads to the place is all the help there is at a start that failed."""
    path = own_file(tmp_path, text)

    with pytest.raises(CatalogError) as caught:
        load_catalog(path)

    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert [each for each in named if each not in message] == []


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    """Rather than with names that nobody can read."""
    path = tmp_path / "own.toml"
    path.write_bytes('[models.x]\nname = "Café"\n'.encode("latin-1"))

    with pytest.raises(CatalogError, match=r"own\.toml"):
        load_catalog(path)
