"""The second factor of signing in: codes of an app by the time (TOTP), and recovery codes for when that is lost."""

import re
import secrets
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

import msgspec
import pyotp
from pyotp.exceptions import OTPVerificationError

from chatapp.core.accounts import User
from chatapp.core.principals import Origin, Principal
from chatapp.errors import Conflict, InvalidBody, NotFound, SecretUnreadable, Unauthorized
from chatapp.services import audit
from chatapp.services.accounts import tickets
from chatapp.services.accounts.secrets import hash_of
from chatapp.services.accounts.signing_in import SignedIn, SigningIn
from chatapp.services.accounts.throttling import Throttle
from chatapp.services.encryption import Cipher, Unreadable
from chatapp.store import second_factor, users
from chatapp.store.db import Connection, Database

Method = Literal["totp", "recovery_code"]

# The kind of ticket that a right password gives, see `SigningIn`.
SECOND_STEP = "second_factor"

# 160 bits, as RFC 4226 recommends.
SECRET_CHARS = 32
# Clocks may be wrong by a step, and reading and typing a code may take one.
DRIFT_STEPS = 1
CODE_FORM = re.compile(r"[0-9]{6}\Z")
WRONG_CODES = 5
WRONG_CODES_WITHIN_S = 300
# Or who knows the password would try five in five minutes for months, until one fits.
WRONG_CODES_A_DAY = 100
DAY_S = 24 * 3600

RECOVERY_CODES = 10
# 120 bits: so many that a plain hash is enough. No letters that look like digits or like each other.
RECOVERY_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
RECOVERY_CHARS = 24
RECOVERY_GROUP = 6
LOOKALIKES = str.maketrans("oil", "011", " -\t\n\r")


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What an authenticator app needs: the secret to type, or its address as a picture to scan."""

    secret: str
    uri: str
    qr_svg: str


class SecondFactor:
    """The use cases around the second factor."""

    def __init__(
        self, database: Database, cipher: Cipher, throttle: Throttle, signing_in: SigningIn, *, site_name: str
    ) -> None:
        self._database = database
        self._cipher = cipher
        self._throttle = throttle
        self._signing_in = signing_in
        self._site_name = site_name

    def verify(self, user: User, code: str, origin: Origin) -> Method:
        """Use up a code of an account that has a second factor, and say of which kind it was.

        Opens a transaction of its own, so that a wrong try is counted and told whatever the caller does: never call
        it within one.
        Raises: `Unauthorized` (401, `wrong_code`), `TooManyAttempts` (429), `SecretUnreadable` (503).
        """
        self._throttle.check("second_factor", str(user.id), limit=WRONG_CODES, within_s=WRONG_CODES_WITHIN_S)
        self._throttle.check("second_factor.day", str(user.id), limit=WRONG_CODES_A_DAY, within_s=DAY_S)
        with self._database.write() as connection:
            method = self._take(connection, user.id, code)
            kind = "second_factor.failed" if method is None else f"{method}.used"
            audit.record(connection, kind, origin, actor_id=user.id if method else None, subject_id=user.id)
        if method is None:
            raise Unauthorized(
                "This code does not fit, or was used before. Wait for the next one, or use a recovery code.",
                code="wrong_code",
            )
        for what in ("second_factor", "second_factor.day"):
            self._throttle.forget(what, str(user.id))
        return method

    def sign_in(self, ticket: str, code: str, *, origin: Origin, guest: Principal | None) -> SignedIn:
        """Finish a sign-in that stopped at the second factor.

        Raises: `BadInput` (400, `link_not_valid`), and see `verify` and `SigningIn.finish`.
        """
        with self._database.read() as connection:
            user = _user_of(connection, tickets.peek(connection, SECOND_STEP, ticket).user_id)
        method = self.verify(user, code, origin)
        with self._database.write() as connection:
            tickets.take(connection, SECOND_STEP, ticket)
            user = _user_of(connection, user.id)
            return self._signing_in.finish(connection, user, origin=origin, guest=guest, method=method)

    def begin(self, principal: Principal) -> Setup:
        """Make a secret that is in use once a code of it was given to `confirm`.

        Raises: `Conflict` (409, `totp_enabled`) when there is one in use.
        """
        secret = pyotp.random_base32(SECRET_CHARS)
        sealed = self._cipher.seal(secret.encode(), bound_to=place_of(principal.owner_id))
        with self._database.write() as connection:
            user = _user_of(connection, principal.owner_id)
            if not second_factor.begin_totp(connection, user.id, sealed):
                raise Conflict("Two-step sign-in is on already. Turn it off first.", code="totp_enabled")
        uri = pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=self._site_name)
        return Setup(secret=secret, uri=uri, qr_svg=_qr_code(uri))

    def confirm(self, principal: Principal, code: str, origin: Origin) -> list[str]:
        """Take the secret into use that was begun; return the recovery codes, which are never shown again.

        Raises: `Conflict` (409, `totp_not_begun`), `InvalidBody` (422, `wrong_code`), `SecretUnreadable` (503).
        """
        with self._database.write() as connection:
            user_id = principal.owner_id
            found = second_factor.totp_of(connection, user_id)
            if found is None or found.confirmed_at is not None:
                raise Conflict("There is nothing to confirm. Begin anew.", code="totp_not_begun")
            tidied, secret = _tidied(code), self._opened(user_id, found.sealed)
            step = _step_of(secret, tidied) if CODE_FORM.match(tidied) else None
            if step is None:
                raise InvalidBody("This code does not fit. Check the time of your device.", code="wrong_code")
            now = datetime.now(UTC)
            if not second_factor.confirm_totp(connection, user_id, found.sealed, at=now, step=step):
                raise Conflict("Another secret was begun meanwhile. Begin anew.", code="totp_not_begun")
            audit.record(connection, "totp.enabled", origin, actor_id=user_id, subject_id=user_id)
            return _new_recovery_codes(connection, user_id)

    def turn_off(self, principal: Principal, origin: Origin) -> None:
        """Let the password be enough again; also for a secret that can no longer be read.

        Raises: `NotFound` (404) when it is off.
        """
        with self._database.write() as connection:
            user_id = principal.owner_id
            if not second_factor.remove_totp(connection, user_id):
                raise NotFound("Two-step sign-in is off.")
            audit.record(connection, "totp.disabled", origin, actor_id=user_id, subject_id=user_id)

    def renew_recovery_codes(self, principal: Principal, origin: Origin) -> list[str]:
        """Return ten new recovery codes; the earlier ones are no longer good.

        Raises: `Conflict` (409, `totp_off`).
        """
        with self._database.write() as connection:
            user_id = principal.owner_id
            users.lock(connection, user_id)
            if not _user_of(connection, user_id).has_totp:
                raise Conflict("Recovery codes go with two-step sign-in, which is off.", code="totp_off")
            audit.record(connection, "recovery_code.renewed", origin, actor_id=user_id, subject_id=user_id)
            return _new_recovery_codes(connection, user_id)

    def _take(self, connection: Connection, user_id: UUID, code: str) -> Method | None:
        found = second_factor.totp_of(connection, user_id)
        if found is None or found.confirmed_at is None:
            return None
        tidied = _tidied(code)
        if not CODE_FORM.match(tidied):
            is_taken = second_factor.take_recovery_code(connection, user_id, hash_of(tidied))
            return "recovery_code" if is_taken else None
        step = _step_of(self._opened(user_id, found.sealed), tidied)
        if step is None or not second_factor.take_step(connection, user_id, found.sealed, step):
            return None
        return "totp"

    def _opened(self, user_id: UUID, sealed: bytes) -> str:
        try:
            return self._cipher.open(sealed, bound_to=place_of(user_id)).decode()
        except Unreadable as exc:
            raise SecretUnreadable(
                "The server cannot read the secret of your codes at the moment; nothing was changed. Use a recovery "
                "code, or tell whoever runs this site.",
                code="second_factor_unreadable",
            ) from exc


def place_of(user_id: UUID) -> str:
    """Return what the sealed secret of an account is bound to."""
    return f"totp:{user_id}"


def _user_of(connection: Connection, user_id: UUID | None) -> User:
    found = None if user_id is None else users.get(connection, user_id)
    if found is None:
        raise NotFound("There is no such account.")
    return found


def _tidied(code: str) -> str:
    """Return a code as it is compared: people write it with gaps, capitals and letters that look like digits."""
    return code.lower().translate(LOOKALIKES)


def _step_of(secret: str, code: str) -> int | None:
    """Return the step of time whose code this is, None when it is not of these moments."""
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(code, valid_window=DRIFT_STEPS)
    except OTPVerificationError:
        return None


def _new_recovery_codes(connection: Connection, user_id: UUID) -> list[str]:
    codes = ["".join(secrets.choice(RECOVERY_ALPHABET) for _ in range(RECOVERY_CHARS)) for _ in range(RECOVERY_CODES)]
    second_factor.replace_recovery_codes(connection, user_id, [hash_of(code) for code in codes])
    return ["-".join(re.findall(f".{{{RECOVERY_GROUP}}}", code)) for code in codes]


def _qr_code(uri: str) -> str:
    """Return a picture of an address as a `data:` URL, dark on light whatever the page is."""
    # Dear to import, and needed once per account.
    import segno  # noqa: PLC0415

    return segno.make(uri, micro=False, error="m").svg_data_uri(
        border=4, dark="#000", light="#fff", svgclass=None, lineclass=None, omitsize=True, encode_minimal=True
    )
