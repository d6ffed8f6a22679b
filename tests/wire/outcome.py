"""What one question to a misbehaving upstream came to, and what every failed answer must look like."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.live_server import LiveServer
from tests.wire.reader import Payload, Reply, ask, marker
from tests.wire.upstream import CANARY, Call, Upstream

STREAM = "/chat/stream"
WHOLE = "/chat"
ROUTES = (STREAM, WHOLE)
SECRET_KEY_PART = "canary-0"
USAGE_NUMBERS = ("prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "reasoning_tokens")


@dataclass(frozen=True)
class Outcome:
    """The response and the calls upstream it caused."""

    reply: Reply
    calls: list[Call]
    route: str

    @property
    def usage(self) -> Payload:
        return dict(self.reply.result["usage"])


AskFaulty = Callable[..., Outcome]


def ask_with_record(
    site: LiveServer,
    upstream: Upstream,
    model: str,
    route: str,
    *,
    headers: dict[str, str] | None = None,
    query: str = "",
) -> Outcome:
    """Ask a question that nobody else asks, so that its calls upstream are told apart."""
    message = marker()
    reply = ask(site.base_url, route + query, model=model, message=message, headers=headers)
    return Outcome(reply, upstream.calls_about(message), route)


def assert_failed(outcome: Outcome, code: str, *statuses: int, is_retryable: bool | None = None) -> None:
    """Check one failed answer: named, numbered, told in our words only, and ended properly."""
    reply = outcome.reply
    problem = reply.problem
    assert problem["code"] == code, problem
    assert problem["status"] in statuses, problem
    assert problem["title"] and problem["detail"]
    assert problem["request_id"] == reply.headers["X-Request-Id"]
    assert isinstance(problem["retryable"], bool)
    if is_retryable is not None:
        assert problem["retryable"] is is_retryable
    if reply.is_stream:
        assert reply.status == 200
        assert reply.result["finish_reason"] == "error"
        assert_sane_usage(outcome.usage)
    assert_nothing_of_the_upstream(reply.text)


def assert_answered(outcome: Outcome, text: str, reason: str = "stop") -> None:
    assert outcome.reply.status == 200, outcome.reply.text
    assert outcome.reply.answer == text
    assert outcome.reply.result["finish_reason"] == reason
    assert_sane_usage(outcome.usage)
    assert_nothing_of_the_upstream(outcome.reply.text)


def assert_sane_usage(usage: Payload) -> None:
    """No upstream can make a bill negative, absurd or of another type."""
    assert isinstance(usage["estimated"], bool)
    for name in USAGE_NUMBERS:
        assert type(usage[name]) is int, usage
        assert 0 <= usage[name] < 10_000_000, usage
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def assert_nothing_of_the_upstream(text: str) -> None:
    for secret in (CANARY, SECRET_KEY_PART, "127.0.0.1:", "Traceback"):
        assert secret not in text
