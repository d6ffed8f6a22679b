"""Settings: what each takes, and how a wrong one is told."""

import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from chatapp.config import ROOT, Config, ConfigError, env_names
from tests.live_server import NOTHING_SET, free_port

SECRET = "s3cret-value"

GOOD = {
    "HOST": ("0.0.0.0", "0.0.0.0"),
    "PORT": ("9000", 9000),
    "DATA_DIR": ("/srv/data", Path("/srv/data")),
    "DATABASE_URL": ("postgres://me@db.example/chat", "postgresql://me@db.example/chat"),
    "SECRET_KEY": ("k" * 32, "k" * 32),
    "ENCRYPTION_KEYS": (f"k2:{'a' * 64} k1:{'0' * 64}", (f"k2:{'a' * 64}", f"k1:{'0' * 64}")),
    "TRUSTED_PROXIES": ("1", 1),
    "ACCESS": ("Invite", "invite"),
    "SMTP_URL": ("smtp://me:pass@mail.example.com:587/", "smtp://me:pass@mail.example.com:587"),
    "MAIL_FROM": ("chat@example.com", "chat@example.com"),
    "OIDC_ISSUER": ("https://id.example.com/", "https://id.example.com/"),
    "OIDC_CLIENT_ID": ("chat", "chat"),
    "OIDC_CLIENT_SECRET": ("s" * 20, "s" * 20),
    "OIDC_NAME": ("Harbour", "Harbour"),
    "OWN_BASE_URLS": ("Private", "private"),
    "RUN_LEASE_S": ("2.5", 2.5),
    "WEB_CONCURRENCY": ("4", 4),
    "WORKER_CONNECTIONS": ("500", 500),
    "BASE_URL": ("https://chat.example.com/", "https://chat.example.com"),
    "ALLOWED_HOSTS": ("a.example, b.example", ("a.example", "b.example")),
    "SITE_NAME": ("Harbour Chat", "Harbour Chat"),
    "CONTACT_PHONE": ("+1 555 0199", "+1 555 0199"),
    "CONTACT_EMAIL": ("me@example.com", "me@example.com"),
    "LOG_LEVEL": ("WARNING", "warning"),
    "OPENAI_API_KEY": ("sk-1", "sk-1"),
    "OPENAI_BASE_URL": ("http://127.0.0.1:11434/v1/", "http://127.0.0.1:11434/v1"),
    "LOCAL_SERVERS": ("off", "off"),
    "DEFAULT_MODEL": ("gpt-4o", "gpt-4o"),
    "MODELS_FILE": ("wsgi.py", ROOT / "wsgi.py"),
    "DEMO_PACE_MS": ("0", 0),
    "CORS_ORIGINS": ("https://a.example https://*.b.example", ("https://a.example", "https://*.b.example")),
    "MAX_BODY_BYTES": ("2000", 2000),
    "MAX_MESSAGE_CHARS": ("10", 10),
    "MAX_MESSAGES": ("5", 5),
    "MAX_ANSWER_CHARS": ("200", 200),
    "BODY_TIMEOUT_S": ("0.5", 0.5),
    "WRITE_TIMEOUT_S": ("2", 2.0),
    "HEARTBEAT_S": ("1.5", 1.5),
    "CONNECT_TIMEOUT_S": ("1", 1.0),
    "FIRST_TOKEN_TIMEOUT_S": ("10", 10.0),
    "STALL_TIMEOUT_S": ("20", 20.0),
    "ANSWER_TIMEOUT_S": ("30", 30.0),
    "GRACEFUL_TIMEOUT_S": ("3", 3),
}

BAD = [
    ("HOST", "127.0.0.1:9000"),
    ("PORT", SECRET),
    ("PORT", "65536"),
    ("PORT", "-1"),
    ("PORT", "--5"),
    ("PORT", "+80"),
    ("PORT", "8000.0"),
    ("PORT", "８０"),
    ("PORT", "9" * 5000),
    ("DATABASE_URL", f"mysql://{SECRET}@db.example/chat"),
    ("DATABASE_URL", f"/{SECRET}"),
    ("DATABASE_URL", "sqlite://"),
    ("DATABASE_URL", "sqlite:///"),
    ("SECRET_KEY", SECRET[:31]),
    ("ENCRYPTION_KEYS", f"k1:{SECRET}"),
    ("ENCRYPTION_KEYS", f"k1:{'a' * 64} k1:{'b' * 64}"),
    ("ACCESS", "closed"),
    ("OWN_BASE_URLS", "yes"),
    ("SMTP_URL", f"https://me:{SECRET}@mail.example.com"),
    ("MAIL_FROM", "nobody"),
    ("OIDC_ISSUER", "id.example.com"),
    ("OIDC_ISSUER", "http://id.example.com"),
    ("TRUSTED_PROXIES", "-1"),
    ("WEB_CONCURRENCY", "0"),
    ("HEARTBEAT_S", "nan"),
    ("HEARTBEAT_S", "inf"),
    ("STALL_TIMEOUT_S", "-1"),
    ("STALL_TIMEOUT_S", "a minute"),
    ("LOG_LEVEL", SECRET),
    ("LOCAL_SERVERS", "yes"),
    ("BASE_URL", "chat.example.com"),
    ("BASE_URL", "ftp://chat.example.com"),
    ("BASE_URL", f"https://{SECRET}@chat.example.com"),
    ("BASE_URL", f"https://me:{SECRET}\u2100@chat.example.com"),
    ("BASE_URL", "https://chat.example.com/?a=b"),
    ("BASE_URL", "https://chat example.com"),
    ("BASE_URL", f"http://[{SECRET}]/"),
    ("BASE_URL", "http://[::1"),
    ("OPENAI_BASE_URL", "http://127.0.0.1:99999/v1"),
    ("OPENAI_BASE_URL", f"http://127.0.0.1:{SECRET}/v1"),
    ("OPENAI_API_KEY", f"{SECRET} with a space"),
    ("OPENAI_API_KEY", f"{SECRET}-ключ"),
    ("OPENAI_API_KEY_CYB_SEC", f"{SECRET}\x7f"),
    ("MODELS_FILE", f"/no/such/{SECRET}.toml"),
    ("CORS_ORIGINS", SECRET),
    ("CORS_ORIGINS", f"https://a.example {SECRET}"),
    ("CORS_ORIGINS", "https://a.example/path"),
    ("CORS_ORIGINS", "https://exa*mple.com"),
    ("CORS_ORIGINS", f"https://[{SECRET}]"),
]


def from_env(**environ: str) -> Config:
    return Config.from_env(environ, dotenv=None)


def test_without_any_setting_the_site_starts_on_loopback() -> None:
    """The first run needs no preparation, and shows itself to nobody else."""
    config = from_env()

    assert config == Config()
    assert (config.host, config.port) == ("127.0.0.1", 8000)


def test_every_setting_has_an_example_here() -> None:
    """A setting nobody tried is a setting nobody knows to work."""
    assert set(GOOD) == {env_names(each.name)[0] for each in fields(Config)}


@pytest.mark.parametrize("name", GOOD)
def test_a_setting_is_read(name: str) -> None:
    """And only that one changes."""
    raw, value = GOOD[name]
    field = next(each.name for each in fields(Config) if name in env_names(each.name))

    config = from_env(**{name: f"  {raw} "})

    assert getattr(config, field) == value
    assert [each.name for each in fields(Config) if getattr(config, each.name) != getattr(Config(), each.name)] == [
        field
    ]


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"SMTP_URL": "smtp://mail.example.com"}, id="links-without-address"),
        pytest.param({"OIDC_ISSUER": "https://id.example.com", "OIDC_CLIENT_ID": "chat"}, id="no-way-back"),
        pytest.param({"OIDC_ISSUER": "https://id.example.com", "BASE_URL": "https://chat.example.com"}, id="no-client"),
        pytest.param({"OIDC_CLIENT_ID": "chat"}, id="no-issuer"),
    ],
)
def test_settings_that_do_not_go_together_stop_the_start(given: dict[str, str]) -> None:
    """Half a setup would fail only when somebody needs it."""
    with pytest.raises(ConfigError, match=f"^{next(iter(given))} needs "):
        from_env(**given).check()


@pytest.mark.parametrize(("name", "raw"), BAD)
def test_a_bad_value_is_named_but_not_shown(name: str, raw: str) -> None:
    """One line that helps; the value may be a key that was pasted into the wrong place."""
    with pytest.raises(ConfigError) as caught:
        from_env(**{name: raw})

    message = str(caught.value)
    assert message.startswith(f"{name} ")
    assert message.endswith(".")
    assert "\n" not in message
    assert SECRET not in message
    assert raw not in message


@pytest.mark.parametrize("raw", ["::1", "[::1]"])
def test_an_address_of_ipv6_gets_the_brackets_it_needs(raw: str) -> None:
    """With a port behind it, and in `Host` headers, an address without them is ambiguous."""
    assert from_env(HOST=raw).host == "[::1]"


def test_an_empty_value_counts_as_not_set() -> None:
    """`PORT=` in a file of settings means the default, not a fault."""
    assert from_env(PORT="", SITE_NAME="  ", OPENAI_API_KEY="") == Config()


@pytest.mark.parametrize(
    ("environ", "key"),
    [
        pytest.param({"OPENAI_API_KEY": "sk-a"}, "sk-a", id="first"),
        pytest.param({"OPENAI_API_KEY_CYB_SEC": "sk-b"}, "sk-b", id="second"),
        pytest.param({"OPENAI_API_KEY": "sk-a", "OPENAI_API_KEY_CYB_SEC": "sk-b"}, "sk-a", id="both"),
        pytest.param({"OPENAI_API_KEY": " ", "OPENAI_API_KEY_CYB_SEC": "sk-b"}, "sk-b", id="first-empty"),
    ],
)
def test_the_first_key_that_is_set_counts(environ: dict[str, str], key: str) -> None:
    """Two names for one thing need an order."""
    assert from_env(**environ).openai_api_key == key


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    """What stands on the command line is what one just meant."""
    dotenv = tmp_path / ".env"
    dotenv.write_text('PORT=9000\nSITE_NAME="From the file"\n# CONTACT_PHONE=1\nHOST=\n')

    config = Config.from_env({"PORT": "9001"}, dotenv=dotenv)

    assert (config.port, config.site_name, config.host) == (9001, "From the file", "127.0.0.1")


def test_a_missing_file_of_settings_is_no_fault(tmp_path: Path) -> None:
    """Most installations have none."""
    assert Config.from_env({}, dotenv=tmp_path / ".env") == Config()


def test_a_file_of_settings_in_another_encoding_is_named(tmp_path: Path) -> None:
    """An editor that does not write UTF-8 must not end in a stack trace."""
    dotenv = tmp_path / ".env"
    dotenv.write_bytes("SITE_NAME=Café\n".encode("latin-1"))

    with pytest.raises(ConfigError, match=r"\.env"):
        Config.from_env({}, dotenv=dotenv)


LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}


@pytest.mark.parametrize(
    ("environ", "hosts"),
    [
        pytest.param({}, LOOPBACK, id="default"),
        pytest.param({"HOST": "192.0.2.7"}, LOOPBACK | {"192.0.2.7"}, id="own-address"),
        pytest.param({"BASE_URL": "https://Chat.Example.com:8443"}, LOOPBACK | {"chat.example.com"}, id="base-url"),
        pytest.param({"ALLOWED_HOSTS": "A.example b.example"}, LOOPBACK | {"a.example", "b.example"}, id="listed"),
        pytest.param({"ALLOWED_HOSTS": "a.example *"}, None, id="any"),
        pytest.param({"HOST": "0.0.0.0"}, None, id="all-addresses"),
        pytest.param({"HOST": "::"}, None, id="all-addresses-v6"),
        pytest.param(
            {"HOST": "0.0.0.0", "BASE_URL": "https://c.example"},
            LOOPBACK | {"0.0.0.0", "c.example"},
            id="all-addresses-with-a-name",
        ),
        pytest.param({"BASE_URL": "http://[2001:db8::1]:80"}, LOOPBACK | {"[2001:db8::1]"}, id="base-url-v6"),
        pytest.param({"HOST": "2001:db8::1"}, LOOPBACK | {"[2001:db8::1]"}, id="own-address-v6"),
    ],
)
def test_the_site_answers_to_its_own_names(environ: dict[str, str], hosts: set[str] | None) -> None:
    """A page of a foreign name that points here must not read us, and our own names must work."""
    accepted = from_env(**environ).accepted_hosts

    assert accepted is None if hosts is None else accepted == hosts


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        pytest.param({"PORT": SECRET}, "PORT must be a whole number from 0 to 65535.", id="setting"),
        pytest.param({"DEFAULT_MODEL": "gpt-4o"}, "DEFAULT_MODEL", id="model-without-key"),
        pytest.param({"MODELS_FILE": "pyproject.toml"}, "pyproject.toml", id="models-file"),
    ],
)
def test_a_server_with_a_bad_setting_says_so_in_one_line_and_does_not_start(
    environ: dict[str, str], named: str
) -> None:
    """A stack trace does not tell the person who runs the site what to change."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    own = {"PORT": str(free_port()), "LOCAL_SERVERS": "off", "WEB_CONCURRENCY": "1"}

    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"],
        cwd=ROOT,
        env={**kept, **NOTHING_SET, **own, **environ},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert done.returncode != 0
    [line] = (done.stdout + done.stderr).strip().splitlines()
    assert line.startswith("chatapp cannot start: ")
    assert named in line
    assert SECRET not in line
