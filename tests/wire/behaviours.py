"""Every way the upstream behaves, by model name; the names begin with the row of the fault table they stand for."""

import json

from tests.wire.slow_and_large import FLOODS, WAITS
from tests.wire.upstream import CANARY, GOOD_TEXT, GOOD_USAGE, Behaviours, Exchange, chunk_of

ANSWERS = Behaviours()
ODD_USAGE: dict[str, object] = {
    "none": None,
    "negative": {"prompt_tokens": -5, "completion_tokens": -7, "total_tokens": -12},
    "huge": {"prompt_tokens": 10**30, "completion_tokens": 10**30, "total_tokens": 10**30},
    "text": {"prompt_tokens": "11", "completion_tokens": "seven", "total_tokens": "many"},
    "fraction": {"prompt_tokens": 1.5, "completion_tokens": 2.5, "total_tokens": 4.0},
    "list": [1, 2, 3],
    "scalar": 7,
    "nulls": {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None},
    "odd-details": {**GOOD_USAGE, "prompt_tokens_details": 5, "completion_tokens_details": {"reasoning_tokens": "x"}},
}
ODD_EVENTS: dict[str, object] = {
    "choices-empty": {"choices": []},
    "choices-null": {"choices": None},
    "choices-missing": {"object": "chat.completion.chunk"},
    "choices-number": {"choices": 5},
    "choices-object": {"choices": {"0": {}}},
    "choice-null": {"choices": [None]},
    "choice-number": {"choices": [3]},
    "delta-null": {"choices": [{"index": 0, "delta": None}]},
    "delta-missing": {"choices": [{"index": 0}]},
    "delta-number": {"choices": [{"index": 0, "delta": 1}]},
    "delta-list": {"choices": [{"index": 0, "delta": [1]}]},
    "content-null": {"choices": [{"index": 0, "delta": {"content": None}}]},
    "content-number": {"choices": [{"index": 0, "delta": {"content": 5}}]},
    "content-list": {"choices": [{"index": 0, "delta": {"content": [1, 2]}}]},
    "content-object": {"choices": [{"index": 0, "delta": {"content": {"a": 1}}}]},
    "content-bool": {"choices": [{"index": 0, "delta": {"content": True}}]},
    "tool-calls": {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"name": "f"}}]}}]},
    "reason-number": {"choices": [{"index": 0, "delta": {}, "finish_reason": 5}]},
    "number": 5,
    "text": "words",
    "null": None,
    "true": True,
    "list": [],
}
# Markdown and markup that must come out inert, by trap.
HOSTILE_TEXT: dict[str, str] = {
    "t10-references": "[a]: /" + "x" * 2000 + "\n\n" + "[a] " * 2000,
    "t11-highlighting": "```makefile\n" + "a" * 40_000 + "\n```\n",
    "t13-nesting": "<div>" * 20_000 + "> " * 2_000 + "deep",
    "t15-active-content": (
        "<script>alert(1)</script> <img src=x onerror=alert(1)> <svg/onload=alert(1)>\n\n"
        "![pixel](https://tracker.example/p.png) ![out](/logout) ![data](data:text/html,x)\n\n"
        "[a](javascript:alert(1)) [b](//evil.example) [c](blob:x) [d](intent:x) [e](vbscript:x)\n\n"
        '<iframe srcdoc="x"></iframe><style>*{display:none}</style><form action=/x><input></form>\n\n'
        "$\\text{<svg/onload=alert(1)>}$ $\\href{javascript:alert(1)}{x}$\n"
    ),
}


def refuses(name: str, status: str, *, body: bytes | None = None, headers: dict[str, str] | None = None) -> None:
    """Register an error response; its body holds the canary and looks like OpenAI's unless given."""
    own = body or json.dumps({"error": {"message": f"{CANARY} sk-te****6789", "type": "x", "code": "x"}}).encode()
    ANSWERS[name] = lambda exchange: exchange.reply(status, own, headers)


def streams(name: str, *parts: bytes) -> None:
    """Register a stream of raw chunks between `before` and a clean end that carries the text `after`."""

    def stream(exchange: Exchange) -> None:
        exchange.open_stream()
        exchange.say("before ")
        for part in parts:
            exchange.chunk(part)
        exchange.say("after")
        exchange.stop()

    ANSWERS[name] = stream


@ANSWERS.named("good")
def answer_well(exchange: Exchange) -> None:
    if not exchange.call.payload.get("stream"):
        message = {"role": "assistant", "content": GOOD_TEXT}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        body = {"id": "c1", "object": "chat.completion", "created": 1, "model": "good", "choices": [choice]}
        exchange.reply("200 OK", json.dumps({**body, "usage": GOOD_USAGE}).encode())
        return
    exchange.open_stream()
    exchange.event(chunk_of("good", {"role": "assistant", "content": ""}))
    for word in GOOD_TEXT.split(" "):
        exchange.say(word if word == "The" else f" {word}")
    exchange.stop()


html = f"<html><body><h1>502</h1>{CANARY}</body></html>".encode()
refuses("u04-400", "400 Bad Request")
refuses("u04-404", "404 Not Found")
refuses("u05-401", "401 Unauthorized")
refuses("u05-403", "403 Forbidden")
refuses("u06-429-7", "429 Too Many Requests", headers={"Retry-After": "7"})
refuses("u06-429-86400", "429 Too Many Requests", headers={"Retry-After": "86400"})
refuses("u06-429-garbage", "429 Too Many Requests", headers={"Retry-After": "soon\t-1e999"})
refuses("u06-429-negative", "429 Too Many Requests", headers={"Retry-After": "-5"})
refuses("u06-429-digits", "429 Too Many Requests", headers={"Retry-After": "9" * 5_000})
refuses("u06-429-date", "429 Too Many Requests", headers={"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"})
refuses("u07-500", "500 Internal Server Error")
refuses("u07-502-html", "502 Bad Gateway", body=html, headers={"Content-Type": "text/html"})
refuses("u07-503", "503 Service Unavailable")
refuses("u15-html", "200 OK", body=html, headers={"Content-Type": "text/html"})
refuses("u15-json-error", "200 OK")
refuses("u14-empty-body", "200 OK", body=b"\n", headers={"Content-Type": "text/event-stream"})
for code in ("301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"):
    ANSWERS[f"u16-redirect-{code[:3]}"] = lambda exchange, code=code: exchange.reply(  # type: ignore[misc]
        code, b"{}", {"Location": f"http://localhost:{exchange.sock.getsockname()[1]}/internal"}
    )
ANSWERS["u16-loop"] = lambda exchange: exchange.reply("307 Temporary", b"{}", {"Location": exchange.call.path})


@ANSWERS.named("u06-429-once")
def be_busy_once(exchange: Exchange) -> None:
    if exchange.call.number == 1:
        exchange.reply("429 Too Many Requests", b"{}", {"Retry-After": "0"})
    else:
        answer_well(exchange)


@ANSWERS.named("u11-close")
def close_before_headers(exchange: Exchange) -> None:
    """Returning without a reply closes the connection."""


@ANSWERS.named("u11-reset")
def reset_before_headers(exchange: Exchange) -> None:
    exchange.reset()


@ANSWERS.named("u11-reset-once")
def reset_once(exchange: Exchange) -> None:
    if exchange.call.number == 1:
        exchange.reset()
    else:
        answer_well(exchange)


@ANSWERS.named("u11-garbage")
def send_garbage(exchange: Exchange) -> None:
    exchange.send(b"\x16\x03\x01 this is not HTTP " + CANARY.encode() + b"\r\n\r\n")


@ANSWERS.named("u12-reset")
def reset_mid_stream(exchange: Exchange) -> None:
    exchange.open_stream()
    exchange.say("partial")
    exchange.pause(0.2)
    exchange.reset()


@ANSWERS.named("u12-chunk-cut")
def cut_inside_chunk(exchange: Exchange) -> None:
    exchange.open_stream()
    exchange.say("partial")
    exchange.send(b"400\r\ndata: {")


@ANSWERS.named("u12-no-last-chunk")
def cut_between_chunks(exchange: Exchange) -> None:
    exchange.open_stream()
    exchange.say("partial")


@ANSWERS.named("u13-eof")
def end_without_reason(exchange: Exchange) -> None:
    exchange.open_stream()
    exchange.say("partial")
    exchange.end_body()


@ANSWERS.named("u13-mid-event")
def end_inside_event(exchange: Exchange) -> None:
    exchange.open_stream()
    exchange.say("partial")
    exchange.chunk(b'data: {"choices": [{"delta": {"content": "lo')
    exchange.end_body()


@ANSWERS.named("u14-done-only")
def only_done(exchange: Exchange) -> None:
    exchange.open_stream()
    exchange.chunk(b"data: [DONE]\n\n")
    exchange.end_body()


@ANSWERS.named("u14-no-content")
def stop_without_content(exchange: Exchange) -> None:
    exchange.open_stream()
    exchange.event(chunk_of("m", {"role": "assistant", "content": ""}))
    exchange.stop()


@ANSWERS.named("u15-json")
def answer_without_streaming(exchange: Exchange) -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": GOOD_TEXT}, "finish_reason": "stop"}
    body = {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    exchange.reply("200 OK", json.dumps({**body, "usage": GOOD_USAGE}).encode())


@ANSWERS.named("u17-malformed-first")
def malformed_first(exchange: Exchange) -> None:
    exchange.open_stream()
    exchange.chunk(b"data: {" + CANARY.encode() + b"\n\n")
    exchange.stop()


@ANSWERS.named("u17-malformed-later")
def malformed_later(exchange: Exchange) -> None:
    exchange.open_stream()
    exchange.say("partial")
    exchange.pause(0.2)
    malformed_first_event = b'data: {"choices": [' + CANARY.encode() + b"\n\n"
    exchange.chunk(malformed_first_event)
    exchange.stop()


@ANSWERS.named("u18-split")
def split_characters(exchange: Exchange) -> None:
    event = b"data: " + json.dumps(chunk_of("m", {"content": "naïve 🦊 日本"}), ensure_ascii=False).encode() + b"\n\n"
    exchange.open_stream()
    for byte in event:
        exchange.chunk(bytes([byte]))
    exchange.stop()


@ANSWERS.named("u20-error-first")
def error_first(exchange: Exchange) -> None:
    exchange.open_stream()
    exchange.event({"error": {"message": CANARY, "type": "server_error", "code": None}})
    exchange.end_body()


@ANSWERS.named("u20-error-later")
def error_later(exchange: Exchange) -> None:
    exchange.open_stream()
    exchange.say("partial")
    exchange.pause(0.2)
    exchange.event({"error": {"message": CANARY, "type": "server_error", "code": None}})
    exchange.end_body()


def raw_event(content: bytes) -> bytes:
    """An event whose `content` is put in as it stands, already in JSON's spelling."""
    return b'data: {"choices":[{"index":0,"delta":{"content":"' + content + b'"}}]}\n\n'


def says(name: str, text: str) -> None:
    """Register a clean answer with this text."""

    def say(exchange: Exchange) -> None:
        exchange.open_stream()
        exchange.say(text)
        exchange.stop()

    ANSWERS[name] = say


def ends(name: str, reason: str, usage: object) -> None:
    """Register the answer `whole` with this finish reason and usage."""

    def end(exchange: Exchange) -> None:
        exchange.open_stream()
        exchange.say("whole")
        exchange.stop(reason, usage)

    ANSWERS[name] = end


streams("u18-invalid", raw_event(b"\xff\xfe bad \xc3"))
streams("u19-surrogate", raw_event(rb"a\ud800b"))
streams("u19-nul", raw_event(rb"a\u0000b"))
streams("u19-pair", raw_event(rb"a\ud83e\udd8ab"))
streams("u25-foreign-event", b"event: execute\ndata: " + json.dumps({"code": CANARY}).encode() + b"\n\n")
streams("u26-comments", b": ping\n\n", b":\n", b"retry: 5\n\n", b"id: 7\n\n")
streams("u26-crlf", raw_event(b"crlf ").replace(b"\n", b"\r\n"))
streams("u26-cr", raw_event(b"cr ").replace(b"\n", b"\r"))
streams("u26-no-space", raw_event(b"tight ").replace(b"data: ", b"data:"))
says("u25-control-text", "a\n\nevent: done\ndata: {}\n\nb\rc\u2028d\u2029e\u0085f")
ends("u24-length", "length", GOOD_USAGE)
ends("u24-content-filter", "content_filter", GOOD_USAGE)
ends("u24-unknown", CANARY, GOOD_USAGE)
for name, event in ODD_EVENTS.items():
    streams(f"u21-{name}", b"data: " + json.dumps(event).encode() + b"\n\n")
for name, usage in ODD_USAGE.items():
    ends(f"u23-{name}", "stop", usage)
for name, text in HOSTILE_TEXT.items():
    says(name, text)


@ANSWERS.named("u26-after-done")
def go_on_after_done(exchange: Exchange) -> None:
    exchange.open_stream()
    exchange.say("whole")
    exchange.event(chunk_of("m", {}, "stop"))
    exchange.chunk(b"data: [DONE]\n\n" + raw_event(b" too late") + b"data: {broken\n\n")
    exchange.end_body()


@ANSWERS.named("u26-second-response")
def send_a_second_response(exchange: Exchange) -> None:
    """Bytes that nobody asked for, which a kept connection would hand to the next reader."""
    exchange.open_stream()
    exchange.say("whole")
    exchange.stop()
    exchange.reply("200 OK", json.dumps({"choices": [{"message": {"content": CANARY}}]}).encode())


BEHAVIOURS = {**ANSWERS, **WAITS, **FLOODS}
