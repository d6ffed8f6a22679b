"""What WebAuthn asks of a browser, and the check of what it answers; nothing is stored here.

The library takes a tenth of a second to import, and most servers start without anybody who wants a passkey.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from chatapp.core.accounts import User
from chatapp.core.passkeys import Passkey, Site

# How long the person has: the challenge is good for as long.
TIMEOUT_MS = 300_000
# The longest there may be, and more than an RSA key of 4096 bits takes.
LONGEST_CREDENTIAL_ID = 1023
LONGEST_PUBLIC_KEY = 1024


class NewCredential(msgspec.Struct, frozen=True, kw_only=True):
    """A credential that a browser has just made."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...]


class NotProven(Exception):
    """What the browser sent proves nothing; the message is for the audit log."""


def creation_options(site: Site, challenge: bytes, user: User, known: Collection[Passkey]) -> dict[str, Any]:
    """Return what `navigator.credentials.create` is called with, in its JSON form.

    The key must be found without a user name and prove that its holder is the person; one that holds a key of this
    account already is left out.
    """
    import webauthn  # noqa: PLC0415
    from webauthn.helpers import options_to_json_dict, structs  # noqa: PLC0415

    options = webauthn.generate_registration_options(
        rp_id=site.rp_id,
        rp_name=site.name,
        user_id=user.id.bytes,
        user_name=user.email,
        user_display_name=user.name,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=passkey.credential_id) for passkey in known],
    )
    return options_to_json_dict(options)


def request_options(site: Site, challenge: bytes) -> dict[str, Any]:
    """Return what `navigator.credentials.get` is called with, in its JSON form: the same for everybody."""
    import webauthn  # noqa: PLC0415
    from webauthn.helpers import options_to_json_dict, structs  # noqa: PLC0415

    options = webauthn.generate_authentication_options(
        rp_id=site.rp_id,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def checked_creation(credential: Mapping[str, Any], site: Site, challenge: bytes) -> NewCredential:
    """Return the credential that a browser made for this challenge.

    Raises: `NotProven`.
    """
    import webauthn  # noqa: PLC0415
    from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography  # noqa: PLC0415

    with _as_not_proven():
        found = webauthn.verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=list(site.origins),
            require_user_verification=True,
        )
        # A key that nothing could be checked with would only be noticed when the person wants to sign in.
        decoded_public_key_to_cryptography(decode_credential_public_key(found.credential_public_key))
    if len(found.credential_id) > LONGEST_CREDENTIAL_ID or len(found.credential_public_key) > LONGEST_PUBLIC_KEY:
        raise NotProven("the credential is too long")
    return NewCredential(
        credential_id=found.credential_id,
        public_key=found.credential_public_key,
        sign_count=found.sign_count,
        transports=_known_transports(credential["response"].get("transports") or ()),
    )


def checked_use(credential: Mapping[str, Any], site: Site, challenge: bytes, passkey: Passkey) -> int:
    """Return the sign count of a use of a passkey for this challenge; whether it went up is for the caller to see.

    Raises: `NotProven`.
    """
    import webauthn  # noqa: PLC0415

    with _as_not_proven():
        found = webauthn.verify_authentication_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=list(site.origins),
            credential_public_key=passkey.public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    return found.new_sign_count


@contextmanager
def _as_not_proven() -> Iterator[None]:
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415

    try:
        yield
    except WebAuthnException as exc:
        # Its words repeat what was sent.
        raise NotProven("".join(char for char in str(exc)[:200] if char.isascii() and char.isprintable())) from exc
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, LookupError, TypeError, AttributeError) as exc:
        # The library takes for granted that what it decodes has the right types.
        raise NotProven(f"it cannot be read: {type(exc).__name__}") from exc


def _known_transports(given: Collection[str]) -> tuple[str, ...]:
    from webauthn.helpers.structs import AuthenticatorTransport  # noqa: PLC0415

    return tuple(sorted({each.value for each in AuthenticatorTransport} & set(given)))
