"""Every error a client can be told of.

AppError 500
├── BadInput 400
├── Unauthorized 401
├── Forbidden 403
├── NotFound 404
├── RequestTimeout 408
├── Conflict 409
│   └── StillRunning 409
├── PayloadTooLarge 413
├── AddressTooLong 414
├── UnsupportedMediaType 415
├── MisdirectedRequest 421
├── InvalidBody 422
├── TooManyAttempts 429
├── HeadersTooLarge 431
├── NotImplementedHere 501
├── StorageUnavailable 503
│   └── StorageBusy 503
├── SecretUnreadable 503
├── Interrupted 503
├── IdentityProviderError 502
└── ProviderError 502
    ├── ProviderRejected 502, not worth another try
    ├── ProviderBusy 429
    └── ProviderTimeout 504
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class AppError(Exception):
    """An error whose text is safe to show.

    `code` is stable and for programs; the message is one or two sentences for people and names what is wrong. `facts`
    are further members of the problem document.
    """

    status: ClassVar[int] = 500
    default_code: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        retry_after_s: int | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.retry_after_s = retry_after_s
        self.facts: Mapping[str, Any] = facts or {}


class BadInput(AppError):
    status = 400
    default_code = "bad_request"


class Unauthorized(AppError):
    """The credential is not valid; without one, what needs none still works."""

    status = 401
    default_code = "invalid_credential"


class Forbidden(AppError):
    status = 403
    default_code = "forbidden"


class NotFound(AppError):
    """There is no such thing, or it is somebody else's: the two look the same."""

    status = 404
    default_code = "not_found"


class RequestTimeout(AppError):
    status = 408
    default_code = "request_timeout"
    retryable = True


class Conflict(AppError):
    """The request fits a state that has passed."""

    status = 409
    default_code = "conflict"


class StillRunning(Conflict):
    """An answer has to end first."""

    default_code = "answer_in_progress"
    retryable = True


class PayloadTooLarge(AppError):
    status = 413
    default_code = "payload_too_large"


class AddressTooLong(AppError):
    status = 414
    default_code = "uri_too_long"


class HeadersTooLarge(AppError):
    status = 431
    default_code = "headers_too_large"


class NotImplementedHere(AppError):
    status = 501
    default_code = "not_implemented"


class UnsupportedMediaType(AppError):
    status = 415
    default_code = "unsupported_media_type"


class MisdirectedRequest(AppError):
    status = 421
    default_code = "misdirected_request"


class InvalidBody(AppError):
    """The body is well-formed but not what the route takes; the message names the field."""

    status = 422
    default_code = "invalid_body"


class TooManyAttempts(AppError):
    """Tried too often; `retry_after_s` says when it is worth another try."""

    status = 429
    default_code = "too_many_attempts"
    retryable = True


class StorageUnavailable(AppError):
    """The database failed; nothing of what was asked is stored."""

    status = 503
    default_code = "storage_unavailable"
    retryable = True


class StorageBusy(StorageUnavailable):
    default_code = "storage_busy"


class SecretUnreadable(AppError):
    """What is kept encrypted cannot be read: its key is not here. It is neither changed nor deleted."""

    status = 503
    default_code = "secret_unreadable"


class Interrupted(AppError):
    """The server stopped in the middle of an answer."""

    status = 503
    default_code = "interrupted"
    retryable = True


class IdentityProviderError(AppError):
    """The provider that people sign in with failed, or said what cannot be believed. Never carries its own words."""

    status = 502
    default_code = "sign_in_provider_failed"
    retryable = True


class ProviderError(AppError):
    """The model's provider failed. Never carries the provider's own words."""

    status = 502
    default_code = "upstream_error"
    retryable = True


class ProviderRejected(ProviderError):
    """The provider refused and would refuse again: a bad key, an unknown model, a bad request."""

    retryable = False


class ProviderBusy(ProviderError):
    status = 429
    default_code = "upstream_busy"


class ProviderTimeout(ProviderError):
    status = 504
    default_code = "upstream_timeout"
