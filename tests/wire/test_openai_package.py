"""The happy path on a real wire: our server, the real `openai` package inside it, a real TCP upstream."""

import openai
import pytest

from tests.conftest import PROVIDER_KEY, SHORT_LIMITS, StartServer
from tests.live_server import LiveServer
from tests.wire.outcome import ROUTES, STREAM, AskFaulty, assert_answered
from tests.wire.reader import ask, get, marker
from tests.wire.upstream import GOOD_TEXT, GOOD_USAGE, Upstream

KNOWN_FIELDS = {"model", "messages", "stream", "stream_options", "temperature", "max_tokens", "max_completion_tokens"}


def test_the_upstream_speaks_the_format_that_the_package_reads(upstream: Upstream) -> None:
    """The other tests mean something only if a good answer of this upstream is OpenAI's format."""
    with openai.OpenAI(base_url=f"{upstream.base_url}/v1", api_key="sk-x", max_retries=0) as client:
        chunks = list(
            client.chat.completions.create(
                model="good",
                messages=[{"role": "user", "content": "Hi"}],
                stream=True,
                stream_options={"include_usage": True},
            )
        )
        whole = client.chat.completions.create(model="good", messages=[{"role": "user", "content": "Hi"}])
        models = [model.id for model in client.models.list()]

    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == GOOD_TEXT
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == GOOD_USAGE["total_tokens"]
    assert whole.choices[0].message.content == GOOD_TEXT
    assert "good" in models


@pytest.mark.parametrize("route", ROUTES)
def test_an_answer_streams_to_its_end_with_the_upstreams_own_usage(ask_faulty: AskFaulty, route: str) -> None:
    """What is billed is what the provider counted, not what we guessed."""
    outcome = ask_faulty("good", route)

    assert_answered(outcome, GOOD_TEXT)
    assert outcome.usage["estimated"] is False
    assert outcome.usage["total_tokens"] == GOOD_USAGE["total_tokens"]
    if route == STREAM:
        assert outcome.reply.headers["Cache-Control"]
        assert (
            "no-transform" in outcome.reply.headers["Cache-Control"] or "no-" in outcome.reply.headers["Cache-Control"]
        )
        assert outcome.reply.headers["X-Accel-Buffering"] == "no"
        assert len([name for name, _ in outcome.reply.events if name == "delta"]) >= 1


@pytest.mark.parametrize("route", ROUTES)
def test_the_call_upstream_is_plain_openai(faulty_site: LiveServer, upstream: Upstream, route: str) -> None:
    """A compatible server refuses fields it does not know, and gives usage only when asked for it."""
    message = marker()
    history = [{"role": "user", "content": "One?"}, {"role": "assistant", "content": "One."}]
    ask(faulty_site.base_url, route, model="good", message=message, history=history, temperature=0.5, max_tokens=99)

    [call] = upstream.calls_about(message)
    assert call.headers["authorization"] == f"Bearer {PROVIDER_KEY}"
    assert call.headers["content-type"] == "application/json"
    assert set(call.payload) <= KNOWN_FIELDS
    assert call.payload["stream"] is True
    assert call.payload["stream_options"]["include_usage"] is True
    assert call.payload["temperature"] == 0.5
    assert 99 in (call.payload.get("max_tokens"), call.payload.get("max_completion_tokens"))
    assert [said["role"] for said in call.payload["messages"]][-3:] == ["user", "assistant", "user"]
    assert call.payload["messages"][-1]["content"] == message


@pytest.mark.parametrize("route", ROUTES)
def test_what_was_not_asked_for_is_not_sent(faulty_site: LiveServer, upstream: Upstream, route: str) -> None:
    """Defaults are the provider's: several models refuse a temperature altogether."""
    message = marker()
    ask(faulty_site.base_url, route, model="good", message=message)

    [call] = upstream.calls_about(message)
    assert set(call.payload) == {"model", "messages", "stream", "stream_options"}


def test_the_upstreams_models_are_offered(faulty_site: LiveServer) -> None:
    """Any base URL brings its own models; what nobody told us about them is unknown, not guessed."""
    models = {model["id"]: model for model in get(faulty_site.base_url, "/models").json["models"]}

    assert models["good"]["status"] == "available"
    assert models["good"]["input_usd_per_million"] is None
    assert models["good"]["context_window"] is None


def test_every_call_is_made_as_the_package_makes_it(start_server: StartServer, upstream: Upstream) -> None:
    """Each worker lets the package make its first request and sends the next ones under the same head."""
    site = start_server({**SHORT_LIMITS, "OPENAI_BASE_URL": f"{upstream.base_url}/v1", "WEB_CONCURRENCY": "1"})
    about = [marker() for _ in range(4)]
    keys = [None, None, "sk-a-persons-own-key", None]

    for message, key in zip(about, keys, strict=True):
        ask(site.base_url, STREAM, model="good", message=message, headers={"X-Provider-Key": key} if key else {})
    heads = [dict(call.headers) for message in about for call in upstream.calls_about(message)]
    sent_keys = [head.pop("authorization") for head in heads]

    assert sent_keys == [f"Bearer {key or PROVIDER_KEY}" for key in keys]
    assert all(head.pop("content-length") for head in heads)
    assert heads[0]["user-agent"].startswith("OpenAI/Python")
    assert heads[1:] == heads[:1] * 3
