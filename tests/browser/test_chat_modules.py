"""The chat page's pure modules, run where they live: the reader of streams and the spelling of figures."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.chat_page import ChatPage

# Streams the given pieces, each an array of bytes, through the module's reader.
READ = """async ([address, pieces, silence_ms, isLeftOpen]) => {
    const { readEvents } = await import(address)
    const body = new ReadableStream({
        start(controller) {
            for (const piece of pieces) controller.enqueue(new Uint8Array(piece))
            if (!isLeftOpen) controller.close()
        },
    })
    const events = []
    try {
        for await (const { name, data, id } of readEvents(new Response(body), { silence_ms })) {
            events.push(id === undefined ? [name, data] : [name, data, id])
        }
    } catch (error) {
        events.push(["thrown", error.message])
    }
    return events
}"""
HELLO = [["delta", {"text": "héllo"}]]
DELTA = 'event: delta\ndata: {"text": "héllo"}\n\n'


class Modules:
    """The modules as the open page has them."""

    def __init__(self, page: Page) -> None:
        self._page = page
        entry = page.locator("script[type=module]").get_attribute("src")
        self._folder = str(entry).removesuffix("chat.js")

    def read(self, *pieces: bytes, silence_ms: int = 1000, is_left_open: bool = False) -> list[list[Any]]:
        arguments = [f"{self._folder}lib/sse.js", [list(piece) for piece in pieces], silence_ms, is_left_open]
        events: list[list[Any]] = self._page.evaluate(READ, arguments)
        return events

    def format(self, function: str, *arguments: object) -> str:
        script = "async ([address, name, given]) => (await import(address))[name](...given)"
        return str(self._page.evaluate(script, [f"{self._folder}lib/format.js", function, list(arguments)]))


@pytest.fixture(scope="module")
def modules(browser: Browser, site: str) -> Iterator[Modules]:
    context = browser.new_context()
    yield Modules(ChatPage(context.new_page(), site).open().page)
    context.close()


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([DELTA.encode()], id="whole"),
        pytest.param([bytes([byte]) for byte in DELTA.encode()], id="byte-by-byte"),
        pytest.param([DELTA.replace("\n", "\r\n").encode()], id="crlf"),
        pytest.param([DELTA.replace("\n", "\r").encode()], id="cr"),
        pytest.param([DELTA.replace(": ", ":").encode()], id="no-space"),
        pytest.param([b": beat\n\n: beat\n\n", DELTA.encode(), b": beat\n\n"], id="comments"),
        pytest.param([b"retry: 5\n", DELTA.encode()], id="other-fields"),
        pytest.param([b'event: delta\ndata: {"text":\ndata: "h\xc3\xa9llo"}\n\n'], id="two-data-lines"),
        pytest.param([DELTA.encode(), b'event: delta\ndata: {"text": "never fin'], id="cut-event"),
    ],
)
def test_stream_is_read_however_it_is_cut_and_spelt(modules: Modules, pieces: list[bytes]) -> None:
    """Proxies cut a stream where they like, and the standard knows three ends of a line."""
    assert modules.read(*pieces) == HELLO


def test_event_brings_its_id(modules: Modules) -> None:
    """By it the rest of a broken stream is asked for."""
    assert modules.read(b"id: 5\n", DELTA.encode(), DELTA.encode()) == [[*HELLO[0], "5"], *HELLO]


def test_what_is_no_json_ends_the_stream(modules: Modules) -> None:
    """A damaged event is told as a broken connection; nothing of it is guessed."""
    assert modules.read(DELTA.encode(), b"data: {oops\n\n") == [
        *HELLO,
        ["thrown", "The stream was damaged on its way."],
    ]


def test_silence_without_heartbeats_ends_the_stream(modules: Modules) -> None:
    """A connection that died without a word must not leave the reader waiting for ever."""
    assert modules.read(DELTA.encode(), silence_ms=50, is_left_open=True) == [
        *HELLO,
        ["thrown", "The server fell silent."],
    ]


@pytest.mark.parametrize(
    ("function", "given", "expected"),
    [
        pytest.param("formatCost", [0], "free", id="free"),
        pytest.param("formatCost", [0.0031], "$0.0031", id="cents"),
        pytest.param("formatCost", [0.00001234], "$0.000012", id="tiny"),
        pytest.param("formatCost", [0.0000001], "under $0.000001", id="dust"),
        pytest.param("formatCost", [0.5], "$0.50", id="half"),
        pytest.param("formatCost", [12.345], "$12.35", id="dollars"),
        pytest.param("formatUnits", [1, "token"], "1 token", id="one"),
        pytest.param("formatUnits", [1240, "token"], "1,240 tokens", id="many"),
        pytest.param("formatDuration", [1840], "1.8 s", id="seconds"),
        pytest.param("formatDuration", [125_000], "2 min 5 s", id="minutes"),
        pytest.param("formatDuration", [119_900], "2 min 0 s", id="round-minute"),
        pytest.param("formatShare", [0.004], "<1%", id="little"),
        pytest.param("formatShare", [0.126], "13%", id="share"),
        pytest.param("formatShortCount", [128_000], "128K", id="short"),
        pytest.param("formatDate", ["2027-01-14"], "Jan 14, 2027", id="date"),
    ],
)
def test_figures_are_spelt_for_people(modules: Modules, function: str, given: list[object], expected: str) -> None:
    assert modules.format(function, *given) == expected


def test_days_are_named_as_people_name_them(modules: Modules) -> None:
    noon = 1_795_000_000_000
    day = 86_400_000

    named = [modules.format("formatDay", noon - days * day, noon) for days in (0, 1, 40)]

    assert named[:2] == ["Today", "Yesterday"]
    assert named[2].endswith("2026")
