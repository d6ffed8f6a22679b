"""Chat completions of OpenAI and of every server that speaks the same format."""

import contextlib
import logging
import random
import re
import time
from typing import Any

import gevent
import httpx2
import msgspec
import openai

from chatapp.core.chat import ChatRequest
from chatapp.core.events import SILENCE, THINKING, Events, Finished, FinishReason, Started, TextDelta, Usage
from chatapp.errors import AppError, ProviderError, ProviderRejected, ProviderTimeout
from chatapp.providers.breaker import CircuitBreaker
from chatapp.providers.completions import BadChunk, Chunk, read_chunk, read_completion
from chatapp.providers.plain_client import PlainClient
from chatapp.providers.prepared_post import PreparedPost
from chatapp.providers.sse_lines import EventSplitter, EventTooLarge
from chatapp.providers.transport import BODY_EXTENSION, GeventTransport, StaleConnection, UpstreamBody
from chatapp.providers.upstream_errors import error_in_stream, error_of, is_worth_retrying, protocol_error

log = logging.getLogger(__name__)

OPENAI_BASE_URL = "https://api.openai.com/v1"

RETRIES = 2
RETRY_FIRST_S = 0.25
CANNOT_CONNECT = (httpx2.ConnectError, httpx2.ConnectTimeout)
MAX_JSON_ANSWER_BYTES = 8 * 1024 * 1024
MAX_LISTED_MODELS = 1000
MODEL_ID_FORM = re.compile(r"[!-~]{1,200}\Z")
OTHER_KINDS = re.compile(
    "embed|rerank|whisper|tts|transcribe|moderation|image|dall-e|sora|audio|realtime|codex|search|gpt-3.5-turbo-instruct|babbage|davinci"
)
# After the last event the end of the body is usually on its way; waiting for it keeps the connection usable.
END_OF_BODY_S = 0.2


class OpenAICompatible:
    """One server that speaks OpenAI's format.

    The SDK makes and authenticates requests (see `PreparedPost`) and names the errors; the bytes of a stream do not
    pass through it, because one typed object per chunk costs more than the whole rest of the relay. Retries are ours:
    the SDK's would sleep for as long as the server asks, past the reader's deadline. What the operator's environment
    tells the SDK to send goes to the operator's own server only, see `is_operators`.
    """

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str,
        connect_timeout_s: float,
        open_timeout_s: float,
        tick_s: float,
        transport: GeventTransport | None = None,
        is_operators: bool = True,
    ) -> None:
        self._open_timeout_s = open_timeout_s
        self._tick_s = tick_s
        self._is_openai = base_url in ("", OPENAI_BASE_URL)
        self._breaker = CircuitBreaker()
        transport = transport or GeventTransport(connect_timeout_s=connect_timeout_s)
        self._client = openai.OpenAI(
            api_key=api_key or "none",
            base_url=base_url or OPENAI_BASE_URL,
            max_retries=0,
            timeout=httpx2.Timeout(open_timeout_s, connect=connect_timeout_s),
            http_client=PlainClient(transport, is_bare=not is_operators),
        )
        url = f"{base_url or OPENAI_BASE_URL}/chat/completions"
        self._post = PreparedPost(self._client, transport, url, read_timeout_s=open_timeout_s)

    def stream(self, request: ChatRequest, *, api_key: str | None = None) -> Events:
        """Answer as `core.ports.Provider.stream` says.

        Units: `Usage` counts tokens as the provider bills them; it is left out when the provider does not say.
        Raises: `ProviderError` and its kin; the text never holds the provider's words.
        """
        # Without arguments, because gevent prints those of a greenlet that fails.
        opening = gevent.spawn(lambda: self._open(request, api_key))
        try:
            while not opening.ready():
                opening.join(timeout=self._tick_s)
                if not opening.ready():
                    yield SILENCE
            response = opening.get()
            if isinstance(response, AppError):
                raise response
            yield Started(request.model)
            yield from _AnswerReader(response, self._tick_s).events()
        finally:
            if not opening.ready():
                opening.kill(block=False)
            elif opening.successful() and isinstance(opening.value, httpx2.Response):
                opening.value.close()

    def model_ids(self, *, api_key: str | None = None, patience_s: float | None = None) -> list[str]:
        """Ask the server which models it has; with `api_key` and `patience_s` once only, to try that key.

        Cost: one request. Raises: `ProviderError`.
        """
        headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
        retries = RETRIES if api_key is None else 0
        try:
            # Each read by itself may take its time; all of them together may not.
            with gevent.Timeout(patience_s):
                listed = self._client.get(
                    "/models", cast_to=httpx2.Response, options={"max_retries": retries, "headers": headers}
                )
            entries = msgspec.json.decode(listed.content).get("data", [])
            ids = [entry["id"] for entry in entries if isinstance(entry.get("id"), str)]
            return [model_id for model_id in ids if is_chat_model(model_id)][:MAX_LISTED_MODELS]
        except gevent.Timeout:
            raise ProviderTimeout("The model's server did not answer in time.") from None
        except openai.OpenAIError as exc:
            raise error_of(exc, is_own_key=api_key is not None) from None
        except (ValueError, AttributeError, TypeError, KeyError, RecursionError, httpx2.HTTPError) as exc:
            raise ProviderError("The model's server sent no list of models.", code="upstream_protocol") from exc

    def _open(self, request: ChatRequest, api_key: str | None) -> httpx2.Response | AppError:
        """Send the request and return the response at its headers, after up to two more tries.

        An error is returned, not raised: gevent prints what is raised in a greenlet.
        """
        deadline = time.monotonic() + self._open_timeout_s
        wait_s = RETRY_FIRST_S
        for tries_left in range(RETRIES, -1, -1):
            try:
                self._breaker.check()
                response = self._post.send(self._body(request), api_key)
            except ProviderError as exc:
                return exc
            except (openai.OpenAIError, httpx2.HTTPError) as exc:
                self._record(exc, is_own_key=api_key is not None)
                error = error_of(exc, is_own_key=api_key is not None)
                pause_s = max(wait_s * random.uniform(0.8, 1.2), error.retry_after_s or 0)  # noqa: S311  # jitter
                if isinstance(exc.__cause__, StaleConnection):
                    pause_s = 0.0
                if not tries_left or not is_worth_retrying(exc) or time.monotonic() + pause_s >= deadline:
                    return error
            else:
                self._breaker.record_success()
                return response
            gevent.sleep(pause_s)
            wait_s *= 2
        raise AssertionError("unreachable")

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        stream_options: dict[str, bool] = {"include_usage": True}
        body: dict[str, Any] = {
            "model": request.model,
            "messages": [{"role": message.role, "content": message.text} for message in request.messages],
            "stream": True,
            "stream_options": stream_options,
        }
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.max_tokens is not None:
            # OpenAI's newer models know only the second name, other servers often only the first.
            body["max_completion_tokens" if self._is_openai else "max_tokens"] = request.max_tokens
        if self._is_openai:
            # Padding against traffic analysis would double the bytes of every chunk.
            stream_options["include_obfuscation"] = False
        return body

    def _record(self, exc: Exception, *, is_own_key: bool) -> None:
        if isinstance(exc, openai.APIConnectionError) and isinstance(exc.__cause__, CANNOT_CONNECT):
            self._breaker.record_failure()
        elif isinstance(exc, openai.APIStatusError):
            self._breaker.record_success()
            if exc.status_code in (401, 402, 403) and not is_own_key:
                # Every answer fails until the operator acts.
                log.error("provider.key_refused", extra={"status": exc.status_code})


def is_chat_model(model_id: str) -> bool:
    """Whether a model's name says nothing against chatting with it; lists hold every kind of model."""
    return MODEL_ID_FORM.match(model_id) is not None and OTHER_KINDS.search(model_id.lower()) is None


class _AnswerReader:
    """Turns the body of one response into events."""

    def __init__(self, response: httpx2.Response, tick_s: float) -> None:
        self._response = response
        self._body: UpstreamBody = response.extensions[BODY_EXTENSION]
        self._tick_s = tick_s
        self._splitter = EventSplitter()
        self._finish_reason: FinishReason | None = None
        self._usage: Usage | None = None
        self._failure: ProviderError | None = None
        self._is_done = False
        self._has_text = False

    def events(self) -> Events:
        content_type = self._response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type == "application/json":
            yield from self._one_completion()
        elif content_type in ("text/event-stream", "text/plain", "application/octet-stream", ""):
            yield from self._stream()
        else:
            raise protocol_error()
        if not self._has_text and self._finish_reason != "content_filter":
            raise ProviderError("The model gave an empty answer.", code="empty_response")
        if self._usage is not None:
            yield self._usage
        yield Finished(self._finish_reason or "stop")

    def _stream(self) -> Events:
        # Everything that happens for each token happens here or in `_text_of`: calls are what a relay pays for.
        read, split, tick_s = self._body.read, self._splitter.feed, self._tick_s
        while not self._is_done:
            try:
                data = read(tick_s)
                if not data:
                    if data is None:
                        yield SILENCE
                        continue
                    break
                events = split(data)
            except EventTooLarge:
                raise protocol_error() from None
            except httpx2.HTTPError as exc:
                if self._finish_reason is not None:
                    break
                raise _cut() from exc
            text = self._text_of(events)
            if text:
                self._has_text = True
                yield TextDelta(text)
            else:
                yield THINKING if events else SILENCE
            if self._failure is not None:
                raise self._failure
        if self._is_done:
            self._read_to_end()
        elif self._finish_reason is None and self._has_text:
            raise ProviderError("The answer broke off before its end.", code="upstream_truncated")

    def _text_of(self, events: list[bytes]) -> str:
        """Return the text of all deltas that came in one read: they leave in one write.

        What else the events say is noted; a failure counts only after the text before it.
        """
        texts: list[str] = []
        try:
            for event in events:
                if event == b"[DONE]":
                    self._is_done = True
                    break
                chunk = read_chunk(event)
                if isinstance(chunk, str):
                    texts.append(chunk)
                elif chunk.error is not None:
                    self._failure = error_in_stream(chunk.error)
                    break
                else:
                    texts.append(chunk.text)
                    self._note(chunk)
        except BadChunk:
            self._failure = protocol_error()
        return texts[0] if len(texts) == 1 else "".join(texts)

    def _read_to_end(self) -> None:
        """Take what follows the last event, so that the connection can be used again."""
        with contextlib.suppress(httpx2.HTTPError):
            self._body.read(END_OF_BODY_S)

    def _one_completion(self) -> Events:
        """A server that does not stream answers with one JSON document."""
        parts: list[bytes] = []
        size = 0
        while (data := self._read()) != b"":
            if data is None:
                yield SILENCE
                continue
            parts.append(data)
            size += len(data)
            if size > MAX_JSON_ANSWER_BYTES:
                raise ProviderRejected("The answer is too long.", code="answer_too_long")
        try:
            chunk = read_completion(b"".join(parts))
        except BadChunk as exc:
            raise protocol_error() from exc
        if chunk.error is not None:
            raise error_in_stream(chunk.error)
        self._note(chunk)
        if chunk.text:
            self._has_text = True
            yield TextDelta(chunk.text)
        elif chunk.finish_reason is None:
            raise protocol_error()

    def _note(self, chunk: Chunk) -> None:
        self._finish_reason = chunk.finish_reason or self._finish_reason
        self._usage = chunk.usage or self._usage

    def _read(self) -> bytes | None:
        try:
            return self._body.read(self._tick_s)
        except httpx2.HTTPError as exc:
            raise _cut() from exc


def _cut() -> ProviderError:
    return ProviderError("The connection to the model broke in mid-answer.", code="upstream_cut")
