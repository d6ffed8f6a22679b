"""What is kept encrypted, and the secrets that the server makes for itself."""

import os
import threading
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatapp.key_ring import FILE, add_key, drop_keys, key_ring, reread
from chatapp.secret_files import SecretError, weakness
from chatapp.services.encryption import Cipher, Unreadable, key_id_of
from chatapp.signing import derived_key, signing_key

OLD = {"old": bytes(range(32))}
BOTH = {"new": bytes(range(100, 132)), **OLD}
GOOD_WORD = "k1:" + "0123456789abcdef1032547698badcfe" * 2


@given(plain=st.binary(max_size=300), place=st.text(max_size=50))
def test_what_was_sealed_can_be_opened_in_its_place_only(plain: bytes, place: str) -> None:
    """A row that is moved to another owner must not take the key along."""
    cipher = Cipher(OLD)

    sealed = cipher.seal(plain, bound_to=place)

    assert cipher.open(sealed, bound_to=place) == plain
    assert plain not in sealed or len(plain) < 5
    assert sealed != cipher.seal(plain, bound_to=place)
    with pytest.raises(Unreadable):
        cipher.open(sealed, bound_to=place + "x")


def test_not_one_changed_bit_goes_unnoticed() -> None:
    """Neither in the text, nor in the nonce, nor in the name of the key."""
    cipher = Cipher(OLD)
    sealed = cipher.seal(b"secret", bound_to="here")

    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(Unreadable):
            cipher.open(bytes(changed), bound_to="here")
    for broken in (b"", b"\x01", sealed[:-1], b"\x02" + sealed[1:], b"\x01\xff" + sealed[2:]):
        with pytest.raises(Unreadable):
            cipher.open(broken, bound_to="here")


def test_a_newer_key_is_used_for_what_is_new_and_older_ones_still_open() -> None:
    """Keys can be changed while the server has secrets."""
    sealed = Cipher(OLD).seal(b"secret", bound_to="here")

    cipher = Cipher(BOTH)

    assert cipher.open(sealed, bound_to="here") == b"secret"
    assert cipher.needs_rotation(sealed)
    assert key_id_of(cipher.seal(b"", bound_to="here")) == "new"
    with pytest.raises(Unreadable):
        Cipher({"other": OLD["old"]}).open(sealed, bound_to="here")
    with pytest.raises(Unreadable):
        Cipher({"old": BOTH["new"]}).open(sealed, bound_to="here")


def test_a_running_server_learns_of_a_key_that_another_process_made(tmp_path: Path) -> None:
    """The operator rotates while the workers run; no restart is needed, and nothing is unreadable meanwhile."""
    ring = key_ring((), tmp_path)
    cipher = Cipher(ring, reload=partial(reread, tmp_path))
    before = cipher.seal(b"before", bound_to="here")

    sealed = Cipher(add_key(tmp_path)).seal(b"after", bound_to="here")

    assert cipher.open(sealed, bound_to="here") == b"after"
    assert cipher.open(before, bound_to="here") == b"before"
    assert key_id_of(cipher.seal(b"", bound_to="here")) == key_id_of(sealed)
    (tmp_path / FILE).unlink()
    alone = cipher.seal(b"alone", bound_to="here")
    assert key_id_of(alone) == key_id_of(sealed), "not under a key of before, which may be dropped by now"
    assert cipher.open(alone, bound_to="here") == b"alone"


def test_the_file_stays_its_owner_s_whoever_rotates(tmp_path: Path) -> None:
    """Else the server could not read the key that everything is encrypted under."""
    key_ring((), tmp_path)
    # Only root can give files away, and only root needs to be kept from it.
    owner = (1234, 1234) if os.geteuid() == 0 else (os.getuid(), os.getgid())
    os.chown(tmp_path / FILE, *owner)

    add_key(tmp_path)

    found = (tmp_path / FILE).stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (*owner, 0o600)


def test_only_keys_that_nothing_needs_are_dropped(tmp_path: Path) -> None:
    """A key in use, and the one before the newest, may still be what stands between somebody and their secret."""
    first = next(iter(key_ring((), tmp_path)))
    for _ in range(3):
        ring = add_key(tmp_path)

    assert drop_keys(tmp_path, {first}) == 1
    assert list(key_ring((), tmp_path)) == [*list(ring)[:2], first]


def test_processes_that_start_at_once_have_the_same_keys(tmp_path: Path) -> None:
    """Else one could not read what the other has stored."""
    found: list[object] = []
    starts = threading.Barrier(8)

    def start() -> None:
        starts.wait()
        found.append((signing_key("", tmp_path), tuple(key_ring((), tmp_path).items())))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert len(set(found)) == 1
    assert {(path.name, path.stat().st_mode & 0o777) for path in tmp_path.iterdir()} == {
        (FILE, 0o600),
        ("secret_key", 0o600),
    }


@pytest.mark.parametrize(
    ("content", "mode"),
    [
        pytest.param(GOOD_WORD, 0o640, id="open-to-group"),
        pytest.param(GOOD_WORD, 0o604, id="open-to-others"),
        pytest.param("", 0o600, id="empty"),
        pytest.param(GOOD_WORD[:-1], 0o600, id="cut"),
        pytest.param(f"{GOOD_WORD}\n{GOOD_WORD}", 0o600, id="twice"),
        pytest.param("k1:" + "0" * 64, 0o600, id="weak"),
        pytest.param(b"\xff\xfe", 0o600, id="not-text"),
    ],
)
def test_a_file_of_keys_that_cannot_be_trusted_stops_the_start(tmp_path: Path, content: str | bytes, mode: int) -> None:
    """In one line that names the file and holds none of it; never by making new ones over it."""
    path = tmp_path / FILE
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)

    with pytest.raises(SecretError, match=FILE) as refused:
        key_ring((), tmp_path)

    assert "\n" not in str(refused.value)
    assert "0123456" not in str(refused.value)
    assert path.stat().st_size == len(content)


@pytest.mark.parametrize(
    "configured",
    [
        "k" * 32,
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "correct-horse-1!correct-horse-1!correct-horse-1!",
        "django-insecure-9x8v7c6b5n4m3l2k1j0h",
        "please-change-me-0123456789-please-do",
        "my-super-secret-key-0123456789-abcdef",
    ],
)
def test_a_secret_that_anybody_could_guess_stops_the_start(configured: str, tmp_path: Path) -> None:
    """Whoever knows the key is whichever guest they like."""
    with pytest.raises(SecretError, match="SECRET_KEY") as refused:
        signing_key(configured, tmp_path)

    assert configured not in str(refused.value)


def test_the_key_of_signatures_is_kept_as_safely(tmp_path: Path) -> None:
    """A file that others read is as good as none."""
    key = signing_key("", tmp_path)
    (tmp_path / "secret_key").chmod(0o644)

    with pytest.raises(SecretError, match="chmod 600"):
        signing_key("", tmp_path)

    (tmp_path / "secret_key").chmod(0o600)
    assert signing_key("", tmp_path) == key
    assert weakness(key.decode()) == ""
    assert signing_key("one phrase for all servers of us", tmp_path) == b"one phrase for all servers of us"


def test_each_use_has_a_key_of_its_own() -> None:
    """Who learns one must not be able to sign for another."""
    keys = {derived_key(master, label) for master in (b"a" * 32, b"b" * 32) for label in ("one", "two", "one two")}

    assert len(keys) == 6
    assert {len(key) for key in keys} == {32}
    assert derived_key(b"a" * 32, "one") == derived_key(b"a" * 32, "one")
