"""The circuit breaker."""

import contextlib
import socket
from collections.abc import Iterator

import pytest

from chatapp.core.chat import ChatRequest, Message
from chatapp.errors import ProviderError
from chatapp.providers.breaker import CircuitBreaker
from chatapp.providers.openai_compatible import OpenAICompatible


class FakeClock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def breaker(clock: FakeClock) -> CircuitBreaker:
    return CircuitBreaker(threshold=3, open_s=10, clock=clock)


def fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        breaker.check()
        breaker.record_failure()


def test_single_failures_are_forgiven(breaker: CircuitBreaker) -> None:
    """A success in between says that the server is there."""
    fail(breaker, 2)
    breaker.record_success()
    fail(breaker, 2)

    breaker.check()


def test_after_failures_in_a_row_the_server_is_left_alone(breaker: CircuitBreaker, clock: FakeClock) -> None:
    """Everybody would wait for a connection that nobody gets."""
    fail(breaker, 3)
    clock.now += 4

    with pytest.raises(ProviderError) as caught:
        breaker.check()

    assert (caught.value.code, caught.value.retry_after_s) == ("upstream_unreachable", 6)


def test_when_the_pause_is_over_one_caller_tries_for_all(breaker: CircuitBreaker, clock: FakeClock) -> None:
    """A server that just came back must not be met by everybody at once."""
    fail(breaker, 3)
    clock.now += 10.5

    breaker.check()

    with pytest.raises(ProviderError):
        breaker.check()


def test_what_the_one_caller_finds_decides(breaker: CircuitBreaker, clock: FakeClock) -> None:
    """Either everything is well again, or the pause begins anew."""
    fail(breaker, 3)
    clock.now += 10.5
    fail(breaker, 1)
    with pytest.raises(ProviderError):
        breaker.check()

    clock.now += 10.5
    breaker.check()
    breaker.record_success()
    breaker.check()
    breaker.check()


def test_the_wait_that_is_named_is_at_least_a_second(breaker: CircuitBreaker, clock: FakeClock) -> None:
    """`Retry-After: 0` would be an invitation to hammer."""
    fail(breaker, 3)
    clock.now += 9.9

    with pytest.raises(ProviderError) as caught:
        breaker.check()

    assert caught.value.retry_after_s == 1


@pytest.fixture
def black_hole() -> Iterator[str]:
    """The address of a server that lets nobody in: its queue of connections is full and never emptied."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


def test_a_server_that_lets_nobody_in_is_left_alone_too(black_hole: str) -> None:
    """A machine that is off answers nothing at all, and each reader would wait for the whole limit."""
    provider = OpenAICompatible(api_key="", base_url=black_hole, connect_timeout_s=0.05, open_timeout_s=10, tick_s=0.05)
    request = ChatRequest(messages=(Message("user", "Hi"),), model="m")
    errors = []
    for _ in range(2):
        with pytest.raises(ProviderError) as caught:
            list(provider.stream(request))
        errors.append(caught.value)

    assert [error.code for error in errors] == ["upstream_unreachable"] * 2
    assert [error.retry_after_s is not None for error in errors] == [False, True]
