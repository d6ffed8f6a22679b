"""Server-sent events cut out of bytes that arrive in any pieces."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatapp.providers.sse_lines import MAX_EVENT_BYTES, EventSplitter, EventTooLarge

# Lines as servers send them, good and odd, and the empty one that ends an event.
LINES = st.sampled_from(
    [
        b'data: {"a": 1}',
        b"data:x",
        b"data:  two spaces",
        b"data",
        b"data: \xe2\x80\xa8 not a line end",
        b"data: [DONE]",
        b"event: message",
        b"event: error",
        b"event: ping",
        b"event",
        b": comment",
        b":",
        b"id: 7",
        b"retry: 10",
        b"nonsense",
        b"dat: x",
        b"",
        b"",
        b"",
    ]
)
LINE_ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


def events_in(lines: list[bytes]) -> list[bytes]:
    """What the standard makes of whole lines, step by step. Source: WHATWG HTML, 9.2.6."""
    events: list[bytes] = []
    data: list[bytes] = []
    name = b""
    for line in lines:
        if not line:
            if data and name in (b"", b"message", b"error"):
                events.append(b"\n".join(data))
            data, name = [], b""
            continue
        field, _, value = line.partition(b":")
        value = value[1:] if value[:1] == b" " else value
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return events


def split(*chunks: bytes) -> list[bytes]:
    splitter = EventSplitter()
    return [event for chunk in chunks for event in splitter.feed(chunk)]


@given(
    st.lists(st.tuples(LINES, LINE_ENDS), max_size=25),
    st.lists(st.integers(0, 400), max_size=30).map(sorted),
)
def test_however_a_stream_is_cut_its_events_are_the_same(lines: list[tuple[bytes, bytes]], cuts: list[int]) -> None:
    """TCP keeps no boundaries: a chunk may end within a line, a line end or a character."""
    # The last line end is complete: a CR could still become a CRLF.
    stream = b"".join(line + end for line, end in lines) + b": end\n"
    chunks = [stream[start:end] for start, end in pairwise([0, *cuts, len(stream)])]

    # CR followed by LF is one line end, so the reference reads the lines again.
    assert split(*chunks) == events_in(stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")[:-1])


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        pytest.param(b"data: a\n\n", [b"a"], id="LF"),
        pytest.param(b"data: a\r\n\r\n", [b"a"], id="CRLF"),
        pytest.param(b"data: a\r\r:", [b"a"], id="CR"),
        pytest.param(b"data: a\n\ndata: b\n\n", [b"a", b"b"], id="two-at-once"),
        pytest.param(b"data: a\ndata: b\n\n", [b"a\nb"], id="two-data-lines"),
        pytest.param(b": hello\n\ndata: a\n\n", [b"a"], id="comment"),
        pytest.param(b"event: ping\ndata: {}\n\ndata: a\n\n", [b"a"], id="foreign-event"),
        pytest.param(b"event: error\ndata: {}\n\n", [b"{}"], id="error-event"),
        pytest.param(b"data: a\n\n: x\n\n", [b"a"], id="comment-after"),
        pytest.param(b"data: a\n", [], id="not-ended"),
        pytest.param(b"\n\n\n", [], id="nothing"),
    ],
)
def test_events_are_read_as_the_standard_says(stream: bytes, events: list[bytes]) -> None:
    """Servers differ in every detail that the standard leaves them."""
    assert split(stream) == events
    assert split(*(stream[at : at + 1] for at in range(len(stream)))) == events


def test_the_name_of_an_event_counts_also_when_it_came_in_a_chunk_before() -> None:
    """A keep-alive event of the server's own must not be taken for a piece of the answer."""
    assert split(b"event: ping\n", b"data: {}\n\n", b"data: a\n\n") == [b"a"]


@pytest.mark.parametrize(
    "chunk",
    [
        pytest.param(b"data: " + b"x" * 65_000, id="no-line-end"),
        pytest.param(b"data: " + b"x" * 65_000 + b"\n", id="many-lines"),
        pytest.param(b"data:\n" * 10_000, id="many-empty-lines"),
    ],
)
def test_an_event_without_end_is_refused(chunk: bytes) -> None:
    """Otherwise one broken server fills the memory that everybody shares."""
    with pytest.raises(EventTooLarge):
        split(*[chunk] * (2 * MAX_EVENT_BYTES // 10_000))
