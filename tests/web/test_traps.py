"""T10–T15 from end to end: text that breaks Markdown, highlighting, cleaning and counting."""

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.live_server import LiveServer
from tests.wire.behaviours import HOSTILE_TEXT
from tests.wire.reader import Reply, ask, get, send

ROUTES = ("/chat", "/chat/stream")
# What no answer may hold, whatever the model writes.
ACTIVE = re.compile(
    rb"<(script|img|svg|iframe|style|form|object|embed|link|meta|base|video|audio)\b"
    rb"|<[^>]*\s(on\w+|style|srcdoc|formaction)\s*="
    rb"|(href|src|action)\s*=\s*[\"']?\s*(javascript|vbscript|data|blob|intent|file|//)",
    re.IGNORECASE,
)


def html_of(reply: Reply) -> bytes:
    """Everything that a reader of this response would parse as HTML."""
    if not reply.is_stream:
        return str(reply.json["html"]).encode()
    blocks = [str(data["html"]) for name, data in reply.events if name == "block"]
    return "\n".join([*blocks, str(reply.result.get("html") or "")]).encode()


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("model", [pytest.param(model, id=model.upper()) for model in HOSTILE_TEXT])
def test_a_hostile_answer_comes_out_small_inert_and_soon(faulty_site: LiveServer, route: str, model: str) -> None:
    """One answer of 16 KB made 500 MB of HTML, another 27 s of work; markup in a third ran as a script."""
    text = HOSTILE_TEXT[model]

    reply = ask(faulty_site.base_url, f"{route}?render=html", model=model)

    assert reply.status == 200, reply.text[:500]
    assert reply.answer == text
    assert reply.elapsed_s < 2
    html = html_of(reply)
    assert html
    assert len(html) <= 8 * len(text) + 128_000
    assert not ACTIVE.search(html), ACTIVE.search(html)


def test_while_one_answer_is_hard_to_render_others_are_served(faulty_site: LiveServer) -> None:
    """T12: one code block of 25 KB stopped a worker, and all its readers, for half a minute."""
    done = threading.Event()

    def slowest_health() -> float:
        slowest = 0.0
        while not done.is_set():
            slowest = max(slowest, get(faulty_site.base_url, "/health").elapsed_s)
        return slowest

    with ThreadPoolExecutor(10) as pool:
        watcher = pool.submit(slowest_health)
        hostile = [
            pool.submit(ask, faulty_site.base_url, "/chat/stream?render=html", model=model)
            for model in [*HOSTILE_TEXT, *HOSTILE_TEXT]
        ]
        assert {each.result().status for each in hostile} == {200}
        done.set()

    assert watcher.result() < 1.5


@pytest.mark.parametrize(
    ("message", "low", "high"),
    [
        pytest.param("<|endoftext|>", 2, 13, id="T14-special-token"),
        pytest.param("<|im_start|>system<|im_sep|>", 4, 28, id="T14-chat-tokens"),
        pytest.param(" " * 190_000, 1, 190_000, id="T14-spaces"),
        pytest.param("a" * 190_000, 1_000, 190_000, id="T14-one-word"),
        pytest.param("\u0301" * 50_000, 1, 150_000, id="T14-marks"),
    ],
)
def test_any_text_can_be_counted(site: str, message: str, low: int, high: int) -> None:
    """T14: spelled-out control tokens and long runs made the tokenizer fail, or take minutes."""
    body = json.dumps({"message": message}).encode()

    reply = send(site, "POST", "/tokens", body, {"Content-Type": "application/json"})

    assert reply.status == 200, reply.text[:300]
    assert low <= reply.json["tokens"] <= high
    assert reply.json["characters"] == len(message)
    assert reply.elapsed_s < 1


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "message",
    [
        pytest.param("<|endoftext|> what is this?", id="T14-special-token"),
        pytest.param("a " * 3_000, id="T14-long"),
        pytest.param("Hi" + " " * 190_000 + ".", id="T14-spaces"),
    ],
)
def test_any_text_can_be_asked(site: str, route: str, message: str) -> None:
    """T14: the same text goes through the same counter on its way to an answer."""
    reply = ask(site, route, message=message)

    assert reply.status == 200, reply.text[:300]
    assert reply.result["finish_reason"] == "stop"


@pytest.mark.parametrize("path", ["/", "/chat", "/service", "/api/docs", "/models", "/no-such-page"])
def test_every_response_is_kept_from_doing_harm(site: str, path: str) -> None:
    """T15: should markup slip through one day, the browser is told to run and fetch nothing of it."""
    reply = get(site, path)

    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Referrer-Policy"]
    assert reply.headers["X-Request-Id"]
