"""The behaviours that take long or send much: silence, drips, floods; named like those of `behaviours.py`."""

import gzip
from functools import cache

from tests.wire.upstream import Behaviours, Exchange, chunk_of

WAITS = Behaviours()
FLOODS = Behaviours()


@WAITS.named("u08-hang")
def hang(exchange: Exchange) -> None:
    exchange.pause(30)


@WAITS.named("u09-hang-after-headers")
def hang_after_headers(exchange: Exchange) -> None:
    exchange.open_stream()
    exchange.pause(30)


@WAITS.named("u09-stall")
def stall(exchange: Exchange) -> None:
    exchange.open_stream()
    exchange.say("partial")
    exchange.pause(30)


@WAITS.named("u10-drip")
def drip(exchange: Exchange) -> None:
    exchange.open_stream()
    while True:
        exchange.say("x")
        exchange.pause(0.4)


@WAITS.named("u10-drip-bytes")
def drip_bytes(exchange: Exchange) -> None:
    exchange.open_stream()
    exchange.chunk(b'data: {"x": "')
    while True:
        exchange.chunk(b"x")
        exchange.pause(0.3)


@WAITS.named("u10-drip-comments")
def drip_comments(exchange: Exchange) -> None:
    exchange.open_stream()
    while True:
        exchange.chunk(b": still here\n\n")
        exchange.pause(0.3)


@WAITS.named("u10-drip-thoughts")
def drip_thoughts(exchange: Exchange) -> None:
    """Events that show life but carry no text, as hidden reasoning does."""
    exchange.open_stream()
    while True:
        exchange.event(chunk_of(exchange.call.model, {"reasoning_content": "hm"}))
        exchange.pause(0.3)


@WAITS.named("u10-drip-head")
def drip_head(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        exchange.send(b"x")
        exchange.pause(0.3)


@FLOODS.named("u22-big-event")
def one_big_event(exchange: Exchange) -> None:
    exchange.open_stream()
    exchange.say("x" * 20_000_000)
    exchange.stop()


@FLOODS.named("u22-many-events")
def a_million_events(exchange: Exchange) -> None:
    exchange.open_stream()
    event = b'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n'
    for _ in range(2_000):
        exchange.chunk(event * 500)
    exchange.stop()


@FLOODS.named("u22-endless-nothing")
def endless_nothing(exchange: Exchange) -> None:
    """Well-formed events without text, as fast as they are taken."""
    exchange.open_stream()
    event = b'data: {"choices":[{"index":0,"delta":{}}]}\n\n'
    while True:
        exchange.chunk(event * 1_000)


@FLOODS.named("u22-endless-line")
def endless_line(exchange: Exchange) -> None:
    exchange.open_stream()
    exchange.chunk(b'data: {"choices":[{"index":0,"delta":{"content":"')
    for _ in range(600):
        exchange.chunk(b"x" * 100_000)


@FLOODS.named("u22-endless-comment")
def endless_comment(exchange: Exchange) -> None:
    exchange.open_stream()
    for _ in range(600):
        exchange.chunk(b":" + b"x" * 100_000)


@FLOODS.named("u22-endless-head")
def endless_head(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\n")
    for number in range(60_000):
        exchange.send(b"X-Header-%d: %s\r\n" % (number, b"x" * 1_000))


@FLOODS.named("u22-big-error")
def big_error(exchange: Exchange) -> None:
    exchange.head("400 Bad Request", {"Content-Type": "application/json", "Content-Length": "60000000"})
    for _ in range(600):
        exchange.send(b"x" * 100_000)


@FLOODS.named("u22-gzip-bomb")
def gzip_bomb(exchange: Exchange) -> None:
    packed = packed_line()
    headers = {"Content-Type": "text/event-stream", "Content-Encoding": "gzip", "Content-Length": str(len(packed))}
    exchange.head("200 OK", headers)
    exchange.send(packed)


@cache
def packed_line() -> bytes:
    """60 MB in 58 KB."""
    return gzip.compress(b'data: {"choices":[{"index":0,"delta":{"content":"' + b"x" * 60_000_000 + b'"}}]}\n\n')


@WAITS.named("u27-gaps")
def think_long(exchange: Exchange) -> None:
    exchange.open_stream()
    exchange.pause(1.6)
    exchange.say("thought ")
    exchange.pause(1.6)
    exchange.say("through")
    exchange.stop()


@WAITS.named("c1-slow")
def slow_but_steady(exchange: Exchange) -> None:
    exchange.open_stream()
    for _ in range(100):
        exchange.say("word ")
        exchange.pause(0.05)
    exchange.stop()


@WAITS.named("c1-silent-start")
def silent_start(exchange: Exchange) -> None:
    exchange.open_stream()
    exchange.say("one ")
    exchange.pause(30)


@FLOODS.named("c3-endless")
def answer_without_end(exchange: Exchange) -> None:
    """More than the buffers of all sockets in between can hold."""
    exchange.open_stream()
    while True:
        exchange.say("x" * 1_000)
