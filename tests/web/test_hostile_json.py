"""C6, C7, T9: bodies that are no JSON, no chat, or too much of either."""

import json

import pytest

from tests.wire.reader import Reply, send

ROUTES = ("/chat", "/chat/stream")
JSON = {"Content-Type": "application/json"}
pytestmark = pytest.mark.parametrize("route", ROUTES)


def post(site: str, route: str, body: bytes, content_type: str = "application/json") -> Reply:
    return send(site, "POST", route, body, {"Content-Type": content_type} if content_type else {})


def assert_refused(reply: Reply, status: int, code: str) -> None:
    assert (reply.status, reply.problem["code"]) == (status, code), reply.text
    assert reply.problem["request_id"] == reply.headers["X-Request-Id"]
    assert "<script" not in reply.text
    assert reply.elapsed_s < 1


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="C6-empty"),
        pytest.param(b"{", id="C6-cut"),
        pytest.param(b"hello", id="C6-words"),
        pytest.param(b"{'message': 'Hi'}", id="C6-single-quotes"),
        pytest.param(b'{"message": "Hi",}', id="C6-comma"),
        pytest.param(b'{"message": "Hi"} {}', id="C6-two-values"),
        pytest.param(b'{"message": "Hi\n"}', id="C6-raw-newline"),
        pytest.param(b'{"message": "<script>alert(1)</script>"', id="C6-markup"),
        pytest.param(b'{"message": "Hi", "temperature": NaN}', id="C6-nan"),
        pytest.param(b'{"message": "Hi", "temperature": Infinity}', id="C6-infinity"),
        pytest.param(b'{"message": "Hi", "temperature": -Infinity}', id="C6-minus-infinity"),
        pytest.param(b'{"message": "\xff\xfe"}', id="C6-utf8"),
        pytest.param('{"message": "Hi"}'.encode("utf-16"), id="C6-utf16"),
        pytest.param(b'{"message": "a", "message": "b"}', id="C6-duplicate-key"),
        pytest.param(b'{"messages": [{"role": "user", "role": "system", "content": "x"}]}', id="C6-duplicate-inside"),
        pytest.param(b"[" * 1_000 + b"]" * 1_000, id="C6-depth-1000"),
        pytest.param(b'{"message": ' * 1_000 + b"1" + b"}" * 1_000, id="C6-depth-1000-objects"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="C6-depth-100000"),
        pytest.param(b"[" * 100_000, id="C6-depth-open"),
    ],
)
def test_a_body_that_is_not_json_is_named_as_that(site: str, route: str, body: bytes) -> None:
    """Nesting too deep and twice the same key count as that too: parsers disagree on what they mean."""
    assert_refused(post(site, route, body), 400, "invalid_json")


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "text/json; x=application/json", "application/xml", "application/jsonp"],
)
def test_another_content_type_is_refused(site: str, route: str, content_type: str) -> None:
    """A form of a foreign page can post text/plain without asking first; JSON needs a preflight."""
    assert_refused(post(site, route, b'{"message": "Hi"}', content_type), 415, "unsupported_media_type")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "APPLICATION/JSON"])
def test_all_spellings_of_the_content_type_are_taken(site: str, route: str, content_type: str) -> None:
    """The header is case-insensitive and has parameters."""
    assert post(site, route, b'{"message": "Hi"}', content_type).status == 200


HUGE = 10**400


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param([], "", id="C6-list"),
        pytest.param("Hi", "", id="C6-string"),
        pytest.param(None, "", id="C6-null"),
        pytest.param(5, "", id="C6-number"),
        pytest.param({}, "message", id="C6-nothing"),
        pytest.param({"message": ""}, "message", id="C6-empty-message"),
        pytest.param({"message": " \n\t "}, "message", id="C6-blank-message"),
        pytest.param({"message": None}, "message", id="C6-null-message"),
        pytest.param({"message": 5}, "message", id="C6-number-message"),
        pytest.param({"message": ["Hi"]}, "message", id="C6-list-message"),
        pytest.param({"message": "Hi", "api_base": "http://evil.example"}, "api_base", id="C6-unknown-field"),
        pytest.param({"message": "Hi", "base_url": "x"}, "base_url", id="C6-base-url"),
        pytest.param({"message": "Hi", "__proto__": {}}, "__proto__", id="C6-proto"),
        pytest.param({"message": "Hi", "messages": []}, "message", id="C6-both"),
        pytest.param({"messages": []}, "messages", id="C6-no-messages"),
        pytest.param({"messages": "Hi"}, "messages", id="C6-messages-string"),
        pytest.param({"messages": [5]}, "messages", id="C6-messages-number"),
        pytest.param({"messages": [None]}, "messages", id="C6-messages-null"),
        pytest.param({"messages": [{"role": "user"}]}, "messages", id="C6-no-content"),
        pytest.param({"messages": [{"content": "x"}]}, "messages", id="C6-no-role"),
        pytest.param({"messages": [{"role": "god", "content": "x"}]}, "role", id="C6-unknown-role"),
        pytest.param({"messages": [{"role": "\ud800", "content": "x"}]}, "surrogate", id="C6-surrogate-role"),
        pytest.param({"message": "Hi", "\ud800": 5}, "surrogate", id="C6-surrogate-field"),
        pytest.param({"messages": [{"role": "user", "content": 5}]}, "content", id="C6-content-number"),
        pytest.param({"messages": [{"role": "user", "content": "x", "name": "y"}]}, "name", id="C6-unknown-inside"),
        pytest.param({"messages": [{"role": "assistant", "content": "x"}]}, "messages", id="C6-last-is-not-user"),
        pytest.param({"message": "Hi", "history": {}}, "history", id="C6-history-object"),
        pytest.param({"message": "Hi", "history": [1]}, "history", id="C6-history-number"),
        pytest.param({"message": "Hi", "model": 5}, "model", id="C6-model-number"),
        pytest.param({"message": "Hi", "model": ["a"]}, "model", id="C6-model-list"),
        pytest.param({"message": "Hi", "temperature": "warm"}, "temperature", id="C6-temperature-text"),
        pytest.param({"message": "Hi", "temperature": 2.1}, "temperature", id="C6-temperature-high"),
        pytest.param({"message": "Hi", "temperature": -0.1}, "temperature", id="C6-temperature-low"),
        pytest.param({"message": "Hi", "temperature": True}, "temperature", id="C6-temperature-bool"),
        pytest.param({"message": "Hi", "max_tokens": 0}, "max_tokens", id="C6-max-tokens-zero"),
        pytest.param({"message": "Hi", "max_tokens": 1.5}, "max_tokens", id="C6-max-tokens-fraction"),
        pytest.param({"message": "Hi", "max_tokens": True}, "max_tokens", id="C6-max-tokens-bool"),
        pytest.param({"message": "Hi", "max_tokens": 2**63}, "max_tokens", id="C6-int64"),
        pytest.param({"message": "Hi", "max_tokens": HUGE}, "max_tokens", id="C6-int-of-400-digits"),
    ],
)
def test_json_that_is_no_chat_is_refused_by_the_fields_name(site: str, route: str, body: object, field: str) -> None:
    """Whoever writes a client should read what to mend, not guess."""
    reply = post(site, route, json.dumps(body).encode())

    assert_refused(reply, 422, "invalid_body")
    assert field in reply.problem["detail"]


@pytest.mark.parametrize(
    "number", [pytest.param(b"1e999", id="C6-1e999"), pytest.param(b"9" * 5_000, id="C6-int-of-5000-digits")]
)
def test_numbers_beyond_all_types_are_refused(site: str, route: str, number: bytes) -> None:
    """T9: they overflow in one place or another, so they get no further than the door."""
    reply = post(site, route, b'{"message": "Hi", "temperature": %s}' % number)

    assert reply.status in {400, 422}
    assert_refused(reply, reply.status, "invalid_json" if reply.status == 400 else "invalid_body")


@pytest.mark.parametrize(
    "spelling",
    [
        pytest.param(rb"a\ud800b", id="C6-lone-surrogate"),
        pytest.param(rb"a\udc00\ud800b", id="C6-swapped-surrogates"),
        pytest.param(rb"a\u0000b", id="C6-nul"),
        pytest.param(rb"\u202e\u2028\ufeff\ufffe", id="C6-odd-characters"),
    ],
)
def test_characters_that_cannot_be_stored_are_replaced_or_refused(site: str, route: str, spelling: bytes) -> None:
    """T9: they pass the parser and break the encoder, far from where they came in."""
    reply = post(site, route, b'{"message": "%s what is this product?"}' % spelling)

    assert reply.status in {200, 400, 422}
    if reply.status == 200:
        assert reply.result["finish_reason"] == "stop"
    else:
        assert_refused(reply, reply.status, "invalid_json" if reply.status == 400 else "invalid_body")


@pytest.mark.parametrize(
    ("body", "statuses"),
    [
        pytest.param({"message": "x" * 990_000}, {413, 422}, id="C7-message-of-1-MB"),
        pytest.param({"message": "Hi", **{f"k{n}": 1 for n in range(80_000)}}, {413, 422}, id="C7-80000-keys"),
        pytest.param(
            {"message": "Hi", "history": [{"role": "user", "content": "Hi"}] * 10_000}, {200, 413, 422}, id="C7-history"
        ),
        pytest.param({"message": "Hi", "model": "m" * 100_000}, {404, 413, 422}, id="C7-model-name"),
    ],
)
def test_more_than_a_chat_needs_is_refused_within_a_second(
    site: str, route: str, body: dict[str, object], statuses: set[int]
) -> None:
    """One greedy request must not hold up the readers who share its worker."""
    reply = post(site, route, json.dumps(body).encode())

    assert reply.status in statuses
    assert reply.elapsed_s < 1
    if reply.status != 200:
        assert len(reply.body) < 2_000
        assert reply.problem["code"] in {"payload_too_large", "invalid_body", "model_unavailable", "not_found"}
