"""Chat completions, from well-formed to anything that is JSON."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatapp.core.events import Usage
from chatapp.providers.completions import (
    MAX_PLAUSIBLE_TOKENS,
    BadChunk,
    Chunk,
    clean_text,
    read_chunk,
    read_completion,
    read_usage,
)

COUNTS = {"prompt_tokens": 11, "completion_tokens": 7}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["choices", "delta", "message", "content", "finish_reason", "usage", "error", "index"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def chunk_with(delta: Any, **more: Any) -> bytes:
    return json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": None, **more}]}).encode()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(chunk_with({"content": "Hel"}), "Hel", id="text"),
        pytest.param(chunk_with({"role": "assistant", "content": ""}), "", id="role"),
        pytest.param(chunk_with({}), "", id="empty-delta"),
        pytest.param(chunk_with({"content": None}), "", id="null-content"),
        pytest.param(chunk_with({"refusal": "No."}), "No.", id="refusal"),
        pytest.param(chunk_with({"content": "a\0b"}), "a\ufffdb", id="NUL"),
        pytest.param(b'{"choices":[{"delta":{"content":"a\\ud800b"}}]}', Chunk("a\ufffdb"), id="lone-surrogate"),
        pytest.param(b'{"choices":[{"delta":{"content":"\\ud83e\\udd8a"}}]}', "🦊", id="surrogate-pair"),
        pytest.param(chunk_with({"content": "x"}, index=1), Chunk(), id="second-choice"),
        pytest.param(chunk_with({}, finish_reason="stop"), Chunk(finish_reason="stop"), id="stop"),
        pytest.param(chunk_with({}, finish_reason="tool_calls"), Chunk(finish_reason="stop"), id="tool-calls"),
        pytest.param(chunk_with({}, finish_reason="length"), Chunk(finish_reason="length"), id="length"),
        pytest.param(chunk_with({}, finish_reason="eos"), Chunk(finish_reason="stop"), id="own-reason"),
        pytest.param(chunk_with({}, finish_reason=5), Chunk(), id="reason-number"),
        pytest.param(chunk_with({"content": "x"}, finish_reason="stop"), Chunk("x", "stop"), id="text-and-stop"),
        pytest.param(chunk_with({"content": 5}), Chunk(), id="number-for-text"),
        pytest.param(chunk_with({"content": [1]}), Chunk(), id="list-for-text"),
        pytest.param(chunk_with(None), Chunk(), id="no-delta"),
        pytest.param(b'{"choices":[]}', Chunk(), id="no-choice"),
        pytest.param(b'{"choices":null}', Chunk(), id="null-choices"),
        pytest.param(b'{"choices":[3]}', Chunk(), id="number-for-choice"),
        pytest.param(b"[]", Chunk(), id="list"),
        pytest.param(b"null", Chunk(), id="null"),
        pytest.param(b'{"choices":[],"error":{"code":"rate_limit_exceeded"}}', Chunk(error="rate_limit_exceeded")),
        pytest.param(b'{"error":{"message":"m","type":"server_error"}}', Chunk(error="server_error"), id="error-type"),
        pytest.param(b'{"error":"words"}', Chunk(error="error"), id="error-text"),
        pytest.param(
            json.dumps({"choices": [], "usage": COUNTS}).encode(),
            Chunk(usage=Usage(prompt_tokens=11, completion_tokens=7)),
            id="usage",
        ),
        pytest.param(b'\xff{"choices":[]}', None, id="not-UTF-8"),
        pytest.param(b"<html>", None, id="not-JSON"),
        pytest.param(b"[" * 200_000, None, id="too-deep"),
        pytest.param(b"", None, id="empty"),
    ],
)
def test_a_chunk_is_read_for_what_it_says(data: bytes, expected: Chunk | str | None) -> None:
    """Servers that speak nearly OpenAI's format are the rule; only what is no JSON at all is a fault."""
    if expected is None:
        with pytest.raises(BadChunk):
            read_chunk(data)
        return

    assert read_chunk(data) == expected


@given(json_values)
def test_no_json_value_breaks_the_reader(value: Any) -> None:
    """One odd chunk must not end the answer of a whole server."""
    chunk = read_chunk(json.dumps(value).encode())

    text = chunk if isinstance(chunk, str) else chunk.text
    assert clean_text(text) == text
    assert isinstance(read_completion(json.dumps(value).encode()), Chunk)


def test_a_whole_completion_is_read_as_one_chunk() -> None:
    """Servers that cannot stream answer with one document."""
    data = json.dumps({"choices": [{"message": {"content": "42"}, "finish_reason": "stop"}], "usage": COUNTS}).encode()

    assert read_completion(data) == Chunk("42", "stop", Usage(prompt_tokens=11, completion_tokens=7))


def test_what_the_provider_counted_is_kept_in_full() -> None:
    """Cached tokens are cheaper and hidden reasoning is paid for: both belong on the bill."""
    raw = {
        **COUNTS,
        "prompt_tokens_details": {"cached_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }

    assert read_usage(raw) == Usage(prompt_tokens=11, completion_tokens=7, cached_tokens=3, reasoning_tokens=2)


@pytest.mark.parametrize(
    "raw",
    [
        None,
        7,
        [1],
        {},
        {"prompt_tokens": 1},
        {"prompt_tokens": -1, "completion_tokens": 1},
        {"prompt_tokens": True, "completion_tokens": 1},
        {"prompt_tokens": 1.5, "completion_tokens": 1},
        {"prompt_tokens": "1", "completion_tokens": 1},
        {"prompt_tokens": None, "completion_tokens": None},
        {"prompt_tokens": MAX_PLAUSIBLE_TOKENS + 1, "completion_tokens": 1},
    ],
)
def test_a_count_that_cannot_be_true_is_no_count(raw: Any) -> None:
    """Believed, it would become somebody's bill; so the tokens are counted here instead."""
    assert read_usage(raw) is None


@pytest.mark.parametrize("details", [None, 5, [], {"cached_tokens": "x"}, {"cached_tokens": -1}])
def test_odd_details_do_not_spoil_the_count(details: Any) -> None:
    """What is said well is kept."""
    assert read_usage({**COUNTS, "prompt_tokens_details": details}) == Usage(prompt_tokens=11, completion_tokens=7)


def test_a_part_is_never_more_than_the_whole() -> None:
    """More cached than sent would make the cost negative."""
    raw = {
        **COUNTS,
        "prompt_tokens_details": {"cached_tokens": 1000},
        "completion_tokens_details": {"reasoning_tokens": 1000},
    }

    assert read_usage(raw) == Usage(prompt_tokens=11, completion_tokens=7, cached_tokens=11, reasoning_tokens=7)
