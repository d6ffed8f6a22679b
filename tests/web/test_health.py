"""`GET /health`."""

import pytest

from chatapp.version import VERSION
from tests.applications import make_app
from tests.wire.reader import Payload

KEY = "sk-canary-0123456789"


def health_of(**settings: object) -> Payload:
    answered = make_app(**settings).test_client().get("/health")
    assert answered.status_code == 200
    assert KEY not in answered.text
    health: Payload = answered.json
    return health


@pytest.mark.parametrize(
    ("settings", "integration", "default"),
    [
        pytest.param({}, "demo", "demo", id="nothing"),
        pytest.param({"openai_api_key": KEY}, "openai", "gpt-4o-mini", id="key"),
        pytest.param({"openai_base_url": "http://127.0.0.1:9/v1"}, "openai", "gpt-4o-mini", id="server"),
        pytest.param({"default_model": "not-running"}, "demo", "demo", id="default-not-running"),
    ],
)
def test_the_server_says_what_answers(settings: Payload, integration: str, default: str) -> None:
    """Without asking anybody: a check that waits for a provider fails with it."""
    health = health_of(**settings)

    assert (health["status"], health["version"]) == ("ok", VERSION)
    assert health["integration"] == integration
    if integration == "demo":
        assert health["default_model"] == default


def test_what_is_configured_is_said_but_never_shown() -> None:
    """`Is my key read at all?` is the first question of a set-up that does not work."""
    unset = health_of()["configured"]
    given = health_of(openai_api_key=KEY, base_url="https://chat.example.com")["configured"]

    assert not any(unset.values())
    assert given == {**unset, "openai_key": True, "base_url": True}
