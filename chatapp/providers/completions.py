"""OpenAI's chat completions, read from JSON: fast when well-formed, forgiving when not."""

import json
import logging
import re
from typing import Any, Final, TypeGuard

import msgspec

from chatapp.core.events import FinishReason, Usage

log = logging.getLogger(__name__)

# More tokens than any model's window: a count above this is a mistake, not a bill.
MAX_PLAUSIBLE_TOKENS = 100_000_000

NOT_TEXT = re.compile("[\x00\ud800-\udfff]")

FINISH_REASONS: Final[dict[str, FinishReason]] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content_filter",
    "tool_calls": "stop",
    "function_call": "stop",
}


class BadChunk(ValueError):
    """A chunk that is not JSON."""


class Chunk(msgspec.Struct, frozen=True, gc=False):
    """What one chunk says, as far as an answer is concerned."""

    text: str = ""
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    error: str | None = None


class _Delta(msgspec.Struct, gc=False):
    content: str | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct, gc=False):
    delta: _Delta
    finish_reason: str | None = None
    index: int = 0


class _ChunkJSON(msgspec.Struct, gc=False):
    choices: list[_Choice]
    usage: msgspec.Raw | None = None
    error: msgspec.Raw | None = None


_decode = msgspec.json.Decoder(_ChunkJSON).decode


def read_chunk(data: bytes) -> Chunk | str:
    """Read one `chat.completion.chunk`; a chunk that only carries text is given as that text.

    Shape: https://platform.openai.com/docs/api-reference/chat-streaming; what has another shape is ignored.
    Raises: `BadChunk` when `data` is not JSON at all.
    """
    try:
        chunk = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _read_odd(data)
    if chunk.usage is None and chunk.error is None and len(chunk.choices) == 1:
        choice = chunk.choices[0]
        if choice.finish_reason is None and choice.index == 0:
            text = choice.delta.content or choice.delta.refusal or ""
            return text if "\0" not in text else clean_text(text)
    return _read_odd(data)


def read_completion(data: bytes) -> Chunk:
    """Read a whole `chat.completion` as one chunk.

    Raises: `BadChunk`.
    """
    return _chunk_of(_parse(data), "message")


def clean_text(text: str) -> str:
    """Replace what no database, stream or page can carry: NUL and lone surrogates become U+FFFD."""
    return NOT_TEXT.sub("�", text)


def read_usage(raw: Any) -> Usage | None:
    """Return the provider's own count, or None when it is missing or cannot be true.

    Source: openai 3.51.0, `types/completion_usage.py`.
    """
    if not isinstance(raw, dict):
        return None
    prompt, completion = raw.get("prompt_tokens"), raw.get("completion_tokens")
    if not _is_count(prompt) or not _is_count(completion):
        log.warning("usage.implausible")
        return None
    cached = _detail(raw, "prompt_tokens_details", "cached_tokens")
    reasoning = _detail(raw, "completion_tokens_details", "reasoning_tokens")
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=min(cached, prompt),
        reasoning_tokens=min(reasoning, completion),
    )


def _read_odd(data: bytes) -> Chunk:
    return _chunk_of(_parse(data), "delta")


def _parse(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as exc:
        raise BadChunk("a chunk is not JSON") from exc


def _chunk_of(parsed: Any, part: str) -> Chunk:
    """Take what makes sense out of any JSON value and leave the rest."""
    if not isinstance(parsed, dict):
        return Chunk()
    if parsed.get("error"):
        error = parsed["error"]
        code = error.get("code") or error.get("type") if isinstance(error, dict) else None
        return Chunk(error=str(code or "error"))
    usage = read_usage(parsed.get("usage"))
    choices = parsed.get("choices")
    for choice in choices if isinstance(choices, list) else []:
        if isinstance(choice, dict) and choice.get("index", 0) == 0:
            said = choice.get(part)
            said = said if isinstance(said, dict) else {}
            texts = (said.get("content"), said.get("refusal"))
            text = next((text for text in texts if isinstance(text, str) and text), "")
            reason = choice.get("finish_reason")
            return Chunk(
                clean_text(text),
                FINISH_REASONS.get(reason, "stop") if isinstance(reason, str) and reason else None,
                usage,
            )
    return Chunk(usage=usage)


def _is_count(value: Any) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= MAX_PLAUSIBLE_TOKENS


def _detail(raw: dict[str, Any], group: str, name: str) -> int:
    details = raw.get(group)
    value = details.get(name) if isinstance(details, dict) else None
    return value if _is_count(value) else 0
