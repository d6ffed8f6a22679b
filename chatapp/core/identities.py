"""Signing in with an account at another provider (OpenID Connect), in values."""

import msgspec


class Departure(msgspec.Struct, frozen=True, kw_only=True):
    """A browser on its way to the provider.

    `state` comes back with it, `nonce` within what the provider signs, and only who knows `verifier` gets that.
    """

    state: str
    nonce: str
    verifier: str


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """What a browser brings back from the provider: a code, or an error; `issuer` is who says so, if anybody does."""

    state: str
    code: str = ""
    error: str = ""
    issuer: str = ""


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """Who the provider says that somebody is; empty for what it does not say."""

    issuer: str
    subject: str
    email: str = ""
    is_email_verified: bool = False
    name: str = ""
