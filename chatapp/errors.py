"""Every error a client can be told of.

AppError 500
├── BadInput 400
├── Forbidden 403
├── RequestTimeout 408
├── PayloadTooLarge 413
├── UnsupportedMediaType 415
├── MisdirectedRequest 421
├── InvalidBody 422
└── ProviderError 502
    ├── ProviderRejected 502, not worth another try
    ├── ProviderBusy 429
    └── ProviderTimeout 504
"""

from typing import ClassVar


class AppError(Exception):
    """An error whose text is safe to show.

    `code` is stable and for programs; the message is one or two sentences for people and names what is wrong.
    """

    status: ClassVar[int] = 500
    default_code: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, code: str | None = None, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.retry_after_s = retry_after_s


class BadInput(AppError):
    status = 400
    default_code = "bad_request"


class Forbidden(AppError):
    status = 403
    default_code = "forbidden"


class RequestTimeout(AppError):
    status = 408
    default_code = "request_timeout"
    retryable = True


class PayloadTooLarge(AppError):
    status = 413
    default_code = "payload_too_large"


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
