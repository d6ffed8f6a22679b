"""Providers are reached over TLS: the whole way of an answer, not only the refusals."""

from collections.abc import Iterator

import pytest

from tests.conftest import SHORT_LIMITS, StartServer
from tests.live_server import LiveServer
from tests.wire.behaviours import BEHAVIOURS
from tests.wire.certificate import self_signed_context
from tests.wire.outcome import STREAM
from tests.wire.reader import ask
from tests.wire.upstream import GOOD_TEXT, Upstream


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Upstream, str]]:
    """An upstream that speaks TLS, and the file with its certificate."""
    directory = tmp_path_factory.mktemp("tls")
    upstream = Upstream(BEHAVIOURS, tls=self_signed_context(directory))
    yield upstream, str(directory / "server.pem")
    upstream.close()


@pytest.fixture(scope="module")
def trusting_site(start_server: StartServer, secure: tuple[Upstream, str]) -> LiveServer:
    upstream, certificate = secure
    own = {"SSL_CERT_FILE": certificate, "OPENAI_BASE_URL": f"{upstream.base_url}/v1", "WEB_CONCURRENCY": "1"}
    return start_server({**SHORT_LIMITS, **own})


def test_answers_stream_over_tls_and_keep_the_connection(
    trusting_site: LiveServer, secure: tuple[Upstream, str]
) -> None:
    """TLS sockets are read in a way of their own; a handshake per answer would cost a round trip and more."""
    replies = [ask(trusting_site.base_url, STREAM, model="good") for _ in range(5)]

    for reply in replies:
        assert "".join(data["text"] for name, data in reply.events if name == "delta") == GOOD_TEXT
        assert reply.result["finish_reason"] == "stop"
    # The list of models and the first answer may each have opened one.
    assert secure[0].connections <= 3


def test_silence_in_an_answer_is_noticed_over_tls(trusting_site: LiveServer) -> None:
    """A TLS socket that never waits must not hide that nothing comes, nor keep a processor busy with looking."""
    reply = ask(trusting_site.base_url, STREAM, model="u09-stall")

    assert reply.problem["code"] == "upstream_stalled"
    assert reply.result["finish_reason"] == "error"
