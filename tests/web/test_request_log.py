"""One line per request, as JSON."""

import contextvars
import json
import logging
import time

import pytest
from flask.testing import FlaskClient

from chatapp.logs import JSONFormatter, current_request_id
from tests.live_server import LiveServer
from tests.wire.reader import marker
from tests.wire.test_leaving_readers import open_question
from tests.wire.upstream import Upstream

MESSAGE = "words-of-a-person"
KEY = "sk-canary-0123456789"
OWN_KEY = {"X-Provider-Key": KEY}


def lines_of(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    formatter = JSONFormatter()
    return [json.loads(formatter.format(record)) for record in caplog.records]


@pytest.mark.parametrize("path", ["/chat", "/chat/stream"])
def test_an_answer_leaves_one_line_with_its_figures(
    client: FlaskClient, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    """Costs and waits are found there, by day or by model."""
    answered = client.post(path, json={"message": MESSAGE})
    assert answered.text
    answered.close()

    [line] = [line for line in lines_of(caplog) if line["event"] == "request"]
    assert (line["method"], line["path"]) == ("POST", path)
    assert (line["status"], line["model"], line["finish_reason"]) == (200, "demo", "stop")
    for name in ("prompt_tokens", "completion_tokens", "elapsed_ms", "first_token_ms"):
        assert float(str(line[name])) >= 0
    assert line["cost_usd_micros"] == 0
    assert "outcome" not in line


def test_a_refused_request_says_why(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    """By its code: the body itself is not kept."""
    client.post("/chat", json={MESSAGE: 1}, headers=OWN_KEY)

    [line] = lines_of(caplog)
    assert (line["status"], line["outcome"]) == (422, "invalid_body")
    assert MESSAGE not in json.dumps(line)
    assert KEY not in json.dumps(line)


@pytest.mark.parametrize("path", ["/chat", "/chat/stream"])
def test_a_reader_who_left_before_the_answer_leaves_a_line_too(
    faulty_site: LiveServer, upstream: Upstream, path: str
) -> None:
    """The provider bills the question all the same, so it must be found."""
    message = marker()
    said_before = len(faulty_site.log())
    with open_question(faulty_site, path, "u09-hang-after-headers", message):
        upstream.wait_for_call(message)

    line = wait_for_line(faulty_site, said_before, path)

    assert (line["status"], line["outcome"], line["finish_reason"]) == (None, "reader_left", "cancelled")
    assert line["model"] == "u09-hang-after-headers"


def wait_for_line(site: LiveServer, start: int, path: str) -> dict[str, object]:
    """Return the first line about `path` in the log from `start` on."""
    give_up_at = time.monotonic() + 3
    while time.monotonic() < give_up_at:
        for text in site.log()[start:].splitlines():
            if text.startswith("{") and (line := json.loads(text)).get("path") == path:
                return dict(line)
        time.sleep(0.02)
    raise AssertionError(f"no line about {path} in the log")


@pytest.mark.parametrize("path", ["/chat", "/chat/stream"])
def test_neither_words_nor_keys_are_written(client: FlaskClient, caplog: pytest.LogCaptureFixture, path: str) -> None:
    """Whatever is logged is kept, copied and read by others."""
    client.post(f"{path}?render=none&x={MESSAGE}", json={"message": MESSAGE, "model": "demo"}, headers=OWN_KEY).close()

    written = json.dumps(lines_of(caplog))
    assert MESSAGE not in written
    assert KEY not in written


def test_a_line_is_one_line_of_json_whatever_is_in_it() -> None:
    """Log readers cut at line ends; a forged one would be an event of its own."""
    record = logging.makeLogRecord({"msg": "a\nb\u2028", "levelname": "WARNING", "name": "x", "odd": {1, 2}, "n": 3})

    written = JSONFormatter().format(record)

    assert "\n" not in written
    line = json.loads(written)
    assert (line["event"], line["level"], line["n"]) == ("a\nb\u2028", "warning", 3)


def test_times_are_utc_with_milliseconds() -> None:
    """So that lines of several machines can be put in order."""
    record = logging.makeLogRecord({"created": 0.25, "msecs": 250.0})

    assert json.loads(JSONFormatter().format(record))["time"] == "1970-01-01T00:00:00.250Z"


def test_a_line_within_a_request_has_its_id() -> None:
    """Also those of packages that know nothing of requests."""
    with_id, without = contextvars.copy_context(), contextvars.Context()
    with_id.run(current_request_id.set, "r1")
    record = logging.makeLogRecord({"msg": "x"})

    assert json.loads(with_id.run(JSONFormatter().format, record))["request_id"] == "r1"
    assert "request_id" not in json.loads(without.run(JSONFormatter().format, record))


def test_an_exception_is_within_its_line() -> None:
    """A stack trace over forty lines belongs to forty events."""
    error = ValueError("cause")
    record = logging.makeLogRecord({"msg": "x", "exc_info": (ValueError, error, None)})

    written = JSONFormatter().format(record)

    assert "\n" not in written
    assert "ValueError: cause" in json.loads(written)["exception"]
