"""Encrypting everything anew under the newest key, so that older ones can go."""

import msgspec

from chatapp.services.accounts.second_factor import place_of
from chatapp.services.encryption import Cipher, Unreadable, key_id_of
from chatapp.services.provider_keys import place_of_key
from chatapp.store import sealed
from chatapp.store.db import Database
from chatapp.store.sealed import Sealed


class Resealed(msgspec.Struct, frozen=True, kw_only=True):
    """How many values there are, how many were encrypted anew and could not be, and the ids of the keys in use."""

    total: int
    renewed: int
    unreadable: int
    key_ids: frozenset[str]


def reseal_everything(database: Database, cipher: Cipher) -> Resealed:
    """Encrypt everything anew that an older key encrypts; what cannot be read stays as it is.

    Each value by itself: what fails or is stopped in the middle can be begun again.
    """
    with database.read() as connection:
        found = sealed.everything(connection)
    renewed = unreadable = 0
    for each in found:
        try:
            if not cipher.needs_rotation(each.value):
                continue
            value = cipher.seal(cipher.open(each.value, bound_to=_place(each)), bound_to=_place(each))
        except Unreadable:
            unreadable += 1
            continue
        with database.write() as connection:
            sealed.replace(connection, each, value)
        renewed += 1
    with database.read() as connection:
        left = sealed.everything(connection)
    return Resealed(
        total=len(left), renewed=renewed, unreadable=unreadable, key_ids=frozenset(filter(None, map(_key_id, left)))
    )


def _place(each: Sealed) -> str:
    return place_of(each.user_id) if each.what == "totp" else place_of_key(each.user_id, each.id, each.base_url)


def _key_id(each: Sealed) -> str | None:
    try:
        return key_id_of(each.value)
    except Unreadable:
        return None
