"""Model servers that people name themselves: for their owner only, and never within the server's own network."""

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from chatapp.core.chat import ChatRequest, Message
from chatapp.core.events import TextDelta
from chatapp.errors import ProviderRejected, ProviderTimeout
from chatapp.providers.openai_compatible import OpenAICompatible
from tests.applications import make_app
from tests.conftest import SHORT_LIMITS, StartServer
from tests.live_server import LiveServer
from tests.people import PASSWORD, join
from tests.unit.providers.test_transport import RawServer
from tests.wire.keyed_upstream import REFUSED_KEY, KeyedUpstream, pieces_of
from tests.wire.upstream import CANARY, GOOD_TEXT

KEY = "sk-lab-Hn52xQvB94kZcMf7"
# What the SDK sends along when it finds it in the environment.
OF_THE_SDK = {"OPENAI_ORG_ID": "org-heron", "OPENAI_PROJECT_ID": "proj-heron", "OPENAI_CUSTOM_HEADERS": "X-Gate: heron"}
LISTED = ["own/lab/good", "own/lab/u05-401", "own/lab/u16-redirect-307", "own/lab/u16-loop"]
SPELLINGS = [
    "127.0.0.1",
    "localhost",
    "LOCALHOST",
    "[::1]",
    "[::ffff:7f00:1]",
    "[::ffff:127.0.0.1]",
    "[0:0:0:0:0:ffff:7f00:0001]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[::127.0.0.1]",
    "0.0.0.0",
    "127.255.255.254",
]


class Browser:
    """Somebody at a real server: keeps cookies, says JSON."""

    def __init__(self, site: LiveServer) -> None:
        self._address = urlsplit(site.base_url).netloc
        self._cookie = ""

    def send(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self._address, timeout=20)
        kept = {"Cookie": self._cookie} if self._cookie else {}
        given = {"Content-Type": "application/json", **kept, **headers}
        connection.request(method, path, None if body is None else json.dumps(body), given)
        response = connection.getresponse()
        text = response.read().decode()
        if (cookie := response.getheader("Set-Cookie")) is not None and "session" in cookie:
            self._cookie = cookie.partition(";")[0]
        connection.close()
        return response.status, text

    def join(self, email: str) -> "Browser":
        for path in ("/auth/register", "/auth/sign-in"):
            status, text = self.send("POST", path, {"email": email, "password": PASSWORD})
            assert status in (200, 202), text
        return self

    def ask(self, model: str, path: str = "/chat", **more: Any) -> tuple[int, str]:
        return self.send("POST", path, {"message": "Hello", "model": model, **more})

    def models(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.send("GET", "/models")[1])["models"]
        return found


@pytest.fixture(scope="module")
def provider() -> Iterator[KeyedUpstream]:
    """The configured provider."""
    server = KeyedUpstream()
    yield server
    server.close()


@pytest.fixture(scope="module")
def lab() -> Iterator[KeyedUpstream]:
    """The server of a person's own."""
    server = KeyedUpstream()
    yield server
    server.close()


@pytest.fixture(scope="module")
def site(start_server: StartServer, provider: KeyedUpstream) -> LiveServer:
    """A site that lets people name servers, also private ones; else no test could have one."""
    own = {"OPENAI_BASE_URL": f"{provider.base_url}/v1", "OWN_BASE_URLS": "private"}
    return start_server({**SHORT_LIMITS, **own, **OF_THE_SDK})


@pytest.fixture(scope="module")
def ada(site: LiveServer, lab: KeyedUpstream) -> Browser:
    """Somebody with a server of their own."""
    browser = Browser(site).join("ada@example.com")
    status, text = browser.send("POST", "/account/keys", {"name": "lab", "key": KEY, "base_url": f"{lab.base_url}/v1"})
    assert (status, json.loads(text)["use"]) == (201, "own_server"), text
    return browser


@pytest.fixture(autouse=True)
def nothing_said(request: pytest.FixtureRequest) -> Iterator[None]:
    """The upstreams begin anew; afterwards the key is in no log."""
    if "ada" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("ada")
    request.getfixturevalue("provider").calls.clear()
    request.getfixturevalue("lab").calls.clear()
    yield
    log = request.getfixturevalue("site").log()
    assert [piece for piece in pieces_of(KEY) if piece in log] == []
    assert "Traceback" not in log


def test_an_own_server_answers_its_owner_with_its_own_key(
    ada: Browser, lab: KeyedUpstream, provider: KeyedUpstream
) -> None:
    """By its own name for the model; what it costs is not known, and said so."""
    listed = {model["id"]: model for model in ada.models() if model["id"].startswith("own/")}
    assert list(listed) == LISTED
    assert listed["own/lab/good"]["provider"] == f"127.0.0.1:{lab.port}"
    assert listed["own/lab/good"]["input_usd_per_million"] is None
    assert "own/lab/good" in ada.send("GET", "/chat", Accept="text/html")[1]

    status, text = ada.ask("own/lab/good")
    body = json.loads(text)
    assert (status, body["text"], body["model"], body["cost_usd"]) == (200, GOOD_TEXT, "own/lab/good", None)
    assert "event: done" in ada.ask("own/lab/good", "/chat/stream")[1]
    assert json.loads(ada.ask("own/lab/good", conversation_id="new")[1])["saved"] is True

    assert [(call.payload["model"], call.headers["authorization"]) for call in lab.calls] == [
        ("good", f"Bearer {KEY}")
    ] * 3
    assert {call.headers["host"] for call in lab.calls} == {f"127.0.0.1:{lab.port}"}
    assert "heron" not in str([call.headers for call in lab.calls]), "what is for the operator's provider only"
    assert provider.calls == []


def test_each_request_has_a_connection_of_its_own(ada: Browser, lab: KeyedUpstream) -> None:
    """Nothing that was opened for one person, or one key, carries anything of another's."""
    before = lab.connections

    for _ in range(3):
        assert ada.ask("own/lab/good")[0] == 200

    assert lab.connections == before + 3


def test_an_own_server_is_nobody_else_s(
    ada: Browser, site: LiveServer, lab: KeyedUpstream, provider: KeyedUpstream
) -> None:
    """Not by its name, not by guessing; and no server hears of the question."""
    bob = Browser(site).join("bob@example.com")
    for somebody in (bob, Browser(site)):
        assert [model for model in somebody.models() if model["id"].startswith("own/")] == []
        for model in ("own/lab/good", "own/lab/", "own/", "own/LAB/good", "own//good"):
            for more in ({}, {"conversation_id": "new"}):
                status, text = somebody.ask(model, **more)
                assert (status, json.loads(text)["code"]) == (400, "model_unavailable")
    assert (lab.calls, provider.calls) == ([], [])

    assert json.loads(ada.ask("good")[1])["text"] == GOOD_TEXT
    assert provider.keys == [f"Bearer {SHORT_LIMITS['OPENAI_API_KEY']}"]
    assert provider.calls[0].headers["x-gate"] == "heron"
    assert lab.calls == []


@pytest.mark.parametrize("model", ["u05-401", "u16-redirect-307", "u16-loop"])
def test_an_own_server_that_misbehaves_is_told_of_in_our_words(ada: Browser, lab: KeyedUpstream, model: str) -> None:
    """Redirects are not followed: the second address would be one that nobody has checked."""
    status, text = ada.ask(f"own/lab/{model}")

    assert status == 502
    assert json.loads(text)["code"] in ("provider_auth", "upstream_error")
    assert CANARY not in text
    assert {call.path for call in lab.calls} == {"/v1/chat/completions"}


def test_cloud_metadata_and_links_are_out_of_reach_even_at_home(ada: Browser) -> None:
    """Where private addresses are allowed, these still are not; and the answer tells nothing of what is there."""
    for host in ("169.254.169.254", "[::ffff:a9fe:a9fe]", "[fe80::1]", "0.0.0.0", "100.100.100.200"):
        body = {"name": "cloud", "key": KEY, "base_url": f"http://{host}/latest"}
        status, text = ada.send("POST", "/account/keys", body)
        assert (status, json.loads(text)["code"]) == (422, "server_not_usable"), text
        assert "private" not in text


@pytest.fixture(scope="module")
def public_app() -> Flask:
    """A site that lets people name servers of the internet."""
    return make_app(own_base_urls="on", connect_timeout_s=1.0)


@pytest.fixture(scope="module")
def carol(public_app: Flask) -> FlaskClient:
    return join(public_app, "carol@example.com")


def test_no_spelling_of_a_private_address_is_connected_to(carol: FlaskClient) -> None:
    """A person must not use this server to look around in its network: not one connection is made."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        for host in SPELLINGS:
            body = {"name": "near", "key": KEY, "base_url": f"https://{host}:{port}/v1"}
            refused = carol.post("/account/keys", json=body)
            assert (refused.status_code, refused.json["code"]) == (422, "server_not_usable"), host
            assert refused.json["detail"].endswith("or its address is not one of the internet.")
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert carol.get("/account/keys").json == {"keys": [], "own_base_urls": True}


def test_a_server_that_drips_does_not_hold_up_the_trial() -> None:
    """Each byte comes in time, the whole never would."""
    drip = KeyedUpstream("drip")
    server = OpenAICompatible(
        api_key="", base_url=f"{drip.base_url}/v1", connect_timeout_s=1, open_timeout_s=5, tick_s=1
    )

    with pytest.raises(ProviderTimeout):
        server.model_ids(api_key=KEY, patience_s=0.5)

    assert drip.calls[0].left.wait(5)
    drip.close()


def test_a_refusal_that_is_nested_without_end_is_a_refusal() -> None:
    """Also from the second request on, which the SDK has no part in."""
    done = json.dumps({"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}).encode()
    refusal = b"[" * 50_000
    replies = [
        b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)
        for status, body in ((b"200 OK", done), (b"400 Bad Request", refusal))
    ]
    raw = RawServer(replies)
    server = OpenAICompatible(api_key="", base_url=raw.url, connect_timeout_s=1, open_timeout_s=5, tick_s=1)
    request = ChatRequest(messages=(Message("user", "Hello"),), model="good")

    assert TextDelta("Hello") in list(server.stream(request, api_key=KEY))
    with pytest.raises(ProviderRejected):
        list(server.stream(request, api_key=KEY))
    raw.close()


def test_own_servers_end_when_the_operator_says_so(lab: KeyedUpstream) -> None:
    """Keys that were saved before stay, for their owners to see and delete, and are not used."""
    home = make_app(own_base_urls="private")
    dora = join(home, "dora@example.com")
    body = {"name": "lab", "key": KEY, "base_url": f"{lab.base_url}/v1/"}
    assert dora.post("/account/keys", json=body).status_code == 201
    assert dora.post("/account/keys", json=body | {"name": "two words"}).status_code == 422
    assert dora.post("/account/keys", json=body | {"name": "b", "key": REFUSED_KEY}).json["code"] == "key_refused"
    session = dora.get_cookie("chatapp_session")
    assert session is not None

    for setting in ("on", "off"):
        after = make_app(own_base_urls=setting, data_dir=home.extensions["config"].data_dir).test_client()
        after.set_cookie("chatapp_session", session.value)
        lab.calls.clear()
        assert [key["use"] for key in after.get("/account/keys").json["keys"]] == ["unused"]
        refused = after.post("/chat", json={"message": "Hello", "model": "own/lab/good"})
        assert (refused.status_code, refused.json["code"]) == (400, "model_unavailable")
        assert lab.calls == []
    assert after.delete(f"/account/keys/{after.get('/account/keys').json['keys'][0]['id']}").status_code == 204
