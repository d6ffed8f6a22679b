"""`GET /models`."""

import json

import pytest
from flask.testing import FlaskClient

from tests.applications import make_app
from tests.live_server import LiveServer
from tests.wire.reader import get

KEY = "sk-own-0123456789"


def test_every_model_is_told_in_full(client: FlaskClient) -> None:
    """What is unknown is null, so that no program takes a missing price for a free model."""
    answered = client.get("/models").json

    assert answered["default"] == "demo"
    by_id = {model["id"]: model for model in answered["models"]}
    assert by_id["gpt-4o-mini"] == {
        "id": "gpt-4o-mini",
        "name": "GPT-4o mini",
        "provider": "openai",
        "context_window": 128_000,
        "max_output_tokens": 16_384,
        "input_usd_per_million": 0.15,
        "cached_input_usd_per_million": 0.075,
        "output_usd_per_million": 0.6,
        "abilities": ["text", "vision"],
        "status": by_id["gpt-4o-mini"]["status"],
        "retires_on": "2027-01-14",
        "successor": "gpt-6-luna",
    }
    assert by_id["demo"]["max_output_tokens"] is None
    assert by_id["gpt-6-sol"]["status"] == "no_key"


def test_with_a_key_of_ones_own_the_providers_models_can_be_asked(client: FlaskClient) -> None:
    """And the default is one of them."""
    answered = client.get("/models", headers={"X-Provider-Key": KEY}).json

    statuses = {model["id"]: model["status"] for model in answered["models"]}
    assert statuses["gpt-6-sol"] == "available"
    assert "no_key" not in statuses.values()
    assert statuses[answered["default"]] in {"available", "retiring"}
    assert KEY not in json.dumps(answered)


@pytest.mark.parametrize("config", [{}, {"openai_api_key": KEY}, {"default_model": "not-running"}], ids=str)
def test_the_default_is_always_one_of_the_list(config: dict[str, str]) -> None:
    """A selector opens with it."""
    answered = make_app(**config).test_client().get("/models").json

    assert answered["default"] in {model["id"] for model in answered["models"]}


def test_what_a_connected_server_lists_is_shown(faulty_site: LiveServer) -> None:
    """People see the models that they run, with what is not known of them left open."""
    answered = get(faulty_site.base_url, "/models").json

    by_id = {model["id"]: model for model in answered["models"]}
    assert answered["default"] == "good"
    assert by_id["good"]["status"] == "available"
    assert by_id["good"]["context_window"] is by_id["good"]["output_usd_per_million"] is None
