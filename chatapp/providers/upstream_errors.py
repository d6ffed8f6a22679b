"""What an upstream fault is called here: our codes and words, never the provider's."""

import httpx2
import openai

from chatapp.errors import AppError, PayloadTooLarge, ProviderBusy, ProviderError, ProviderRejected, ProviderTimeout
from chatapp.providers.transport import UpstreamHungUp, UpstreamNotAllowed, UpstreamTLSError

RETRIED_STATUSES = frozenset((408, 409, 429))
MAX_RETRY_AFTER_S = 120


def protocol_error() -> ProviderError:
    return ProviderError("The model's server sent something that is not an answer.", code="upstream_protocol")


def error_in_stream(code: str) -> ProviderError:
    if "rate_limit" in code:
        return ProviderBusy("The model is busy. Try again in a moment.")
    return ProviderError("The model's server reported an error.", code="upstream_error")


def is_worth_retrying(exc: Exception) -> bool:
    if isinstance(exc, openai.APIStatusError):
        return exc.status_code in RETRIED_STATUSES or exc.status_code >= 500
    return isinstance(exc, openai.APIConnectionError) and not (_is_tls(exc) or _is_not_allowed(exc))


def _is_tls(exc: BaseException) -> bool:
    return isinstance(exc.__cause__, UpstreamTLSError)


def _is_not_allowed(exc: BaseException) -> bool:
    return isinstance(exc.__cause__, UpstreamNotAllowed)


def error_of(exc: Exception, *, is_own_key: bool) -> AppError:
    """Say in our words what the SDK raised; its own text may hold pieces of keys and of answers."""
    if isinstance(exc, openai.APIStatusError):
        return _error_of_status(exc, is_own_key=is_own_key)
    if _is_tls(exc):
        return ProviderRejected(
            "No secure connection to the model's server: its certificate or TLS is not right.", code="upstream_tls"
        )
    if _is_not_allowed(exc):
        # Just as if nothing were there: anything else would tell people what there is inside.
        return ProviderError("The model's server cannot be reached.", code="upstream_unreachable")
    if isinstance(exc, openai.APITimeoutError) and not isinstance(exc.__cause__, httpx2.ConnectTimeout):
        return ProviderTimeout("The model did not begin to answer in time.")
    if isinstance(exc, openai.APIConnectionError):
        if isinstance(exc.__cause__, UpstreamHungUp):
            return ProviderError("The model's server hung up before it answered.", code="upstream_unreachable")
        if isinstance(exc.__cause__, httpx2.DecodingError | httpx2.RemoteProtocolError):
            return protocol_error()
        return ProviderError("The model's server cannot be reached.", code="upstream_unreachable")
    return protocol_error()


def _error_of_status(exc: openai.APIStatusError, *, is_own_key: bool) -> AppError:
    status, retry_after_s = exc.status_code, _retry_after_s(exc.response)
    if status in (401, 403):
        whose = "Your key" if is_own_key else "The server's key"
        return ProviderRejected(f"{whose} was refused by the model's provider.", code="provider_auth")
    if status == 402:
        return ProviderRejected("The account at the model's provider has no credit left.", code="provider_auth")
    if status in (408, 409, 429):
        return ProviderBusy("The model is busy. Try again in a moment.", retry_after_s=retry_after_s)
    if status in (400, 413, 422) and exc.code == "context_length_exceeded":
        return PayloadTooLarge("The conversation is too long for this model.", code="context_too_long")
    if 400 <= status < 500:
        return ProviderRejected("The provider does not take this request for this model.", code="model_unavailable")
    if status == 503:
        return ProviderError("The model's server is overloaded.", retry_after_s=retry_after_s)
    return ProviderError("The model's server reported an error.")


def _retry_after_s(response: httpx2.Response) -> int | None:
    raw = response.headers.get("retry-after", "")
    return min(int(raw), MAX_RETRY_AFTER_S) if raw.isascii() and raw.isdigit() and len(raw) < 10 else None
