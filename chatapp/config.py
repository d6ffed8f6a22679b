"""All settings: read once from the environment and `.env`, checked, then frozen."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self
from urllib.parse import SplitResult, urlsplit

from dotenv import dotenv_values

ROOT = Path(__file__).resolve().parent.parent

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")
WILDCARD_ADDRESSES = ("0.0.0.0", "[::]")  # noqa: S104  # compared with, never bound to


class ConfigError(Exception):
    """A setting that cannot be used; the message is one line that names it."""


def text(raw: str) -> str:
    return raw


def listen_address(raw: str) -> str:
    """Read a host name or an address; IPv6 gets the brackets that it has in URLs and `Host` headers."""
    name = _bracketed(raw.removeprefix("[").removesuffix("]"))
    if raw.count(":") == 1:
        raise ValueError("must be an address or a host name, without a port")
    return name


def whole_number(low: int, high: int) -> Callable[[str], int]:
    def parse(raw: str) -> int:
        number = int(raw) if re.fullmatch(r"-?[0-9]{1,18}", raw) else None
        if number is None or not low <= number <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return number

    return parse


def seconds(low: float, high: float) -> Callable[[str], float]:
    def parse(raw: str) -> float:
        try:
            number = float(raw)
        except ValueError:
            number = -1.0
        # The comparison is false for NaN as well.
        if not low <= number <= high:
            raise ValueError(f"must be a number of seconds from {low:g} to {high:g}")
        return number

    return parse


def one_of(*choices: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        if raw.lower() not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return raw.lower()

    return parse


def words(raw: str) -> tuple[str, ...]:
    return tuple(raw.replace(",", " ").split())


def http_url(raw: str) -> str:
    parts = _url_parts(raw)
    if parts is None or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        raise ValueError("must be an http(s) URL without query or fragment")
    if parts.username or parts.password:
        raise ValueError("must not contain a user name or password")
    return raw.rstrip("/")


def issuer_url(raw: str) -> str:
    parts = urlsplit(http_url(raw))
    if parts.scheme != "https" and _bracketed(parts.hostname or "") not in LOOPBACK_HOSTS:
        raise ValueError("must begin with https://")
    # To the letter: a `/` at its end is part of the name by which the provider signs.
    return raw


def origins(raw: str) -> tuple[str, ...]:
    found = words(raw)
    for place, origin in enumerate(found, 1):
        if origin == "*":
            continue
        parts = _url_parts(origin)
        if parts is None or parts.scheme not in ("http", "https") or parts.path or "*" in parts.netloc[1:]:
            raise ValueError(
                f"is not a list of origins (see number {place}); one looks like https://example.com or "
                "https://*.example.com"
            )
    return found


def header_value(raw: str) -> str:
    if not raw.isascii() or not raw.isprintable() or " " in raw:
        raise ValueError("must be printable ASCII without spaces")
    return raw


def email_address(raw: str) -> str:
    if not re.fullmatch(r"[^\s@<>\"(),:;\\\[\]]{1,64}@[^\s@<>\"(),:;\\\[\]/?#]{1,189}", raw) or not raw.isprintable():
        raise ValueError("must be an e-mail address")
    return raw


def smtp_url(raw: str) -> str:
    parts = _url_parts(raw)
    if parts is None or parts.scheme not in ("smtp", "smtps") or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("must look like smtp://user:password@host:587 or smtps://user:password@host:465")
    return raw.rstrip("/")


def key_ring(raw: str) -> tuple[str, ...]:
    found = words(raw)
    for place, each in enumerate(found, 1):
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,16}:[0-9a-fA-F]{64}", each):
            raise ValueError(f"must be words like name:64-hex-digits (see number {place})")
    if len({each.partition(":")[0] for each in found}) < len(found):
        raise ValueError("names a key twice")
    return found


def folder(raw: str) -> Path:
    return (ROOT / raw).resolve()


def database_url(raw: str) -> str:
    scheme, separator, _ = raw.partition("://")
    if not separator or scheme.partition("+")[0] not in ("sqlite", "postgres", "postgresql"):
        raise ValueError("must begin with postgresql:// or sqlite:///")
    if scheme == "sqlite":
        if not raw.removeprefix("sqlite:///").strip("/") or not raw.startswith("sqlite:///"):
            raise ValueError("must name SQLite's file")
        return raw
    return "postgresql://" + raw.partition("://")[2]


def secret(raw: str) -> str:
    if len(raw) < 32:
        raise ValueError("must be at least 32 characters long")
    return raw


def existing_file(raw: str) -> Path:
    path = (ROOT / raw).resolve()
    if not path.is_file():
        raise ValueError("must name an existing file")
    return path


def setting(default: Any, parse: Callable[[str], Any], meaning: str, *, env: tuple[str, ...] = ()) -> Any:
    """Declare one setting; its environment variable is the field's name in capitals unless `env` names others."""
    return field(default=default, metadata={"parse": parse, "meaning": meaning, "env": env})


@dataclass(frozen=True, kw_only=True)
class Config:
    """Every setting of the server.

    Units: names ending in `_s` are seconds, `_ms` milliseconds, `_bytes` bytes, `_chars` characters.
    """

    host: str = setting("127.0.0.1", listen_address, "Address to listen on.")
    port: int = setting(8000, whole_number(0, 65535), "Port to listen on.")
    data_dir: Path = setting(ROOT / "instance", folder, "Folder for everything the server writes.")
    database_url: str = setting(
        "", database_url, "PostgreSQL to use, as `postgresql://…`. Empty: SQLite, in a file in `DATA_DIR`."
    )
    secret_key: str = setting(
        "", secret, "Signs credentials; the same on all machines. Empty: made once and kept in `DATA_DIR`."
    )
    encryption_keys: tuple[str, ...] = setting(
        (),
        key_ring,
        "Encrypt people's own keys: words `name:64-hex-digits`, the first for new ones. Empty: a file in `DATA_DIR`.",
    )
    web_concurrency: int = setting(2, whole_number(1, 256), "Worker processes.")
    worker_connections: int = setting(10_000, whole_number(10, 100_000), "Open connections per worker.")
    base_url: str = setting("", http_url, "Public URL of this site, for links and snippets; else the request's own.")
    allowed_hosts: tuple[str, ...] = setting(
        (), words, "Host names the site answers to, or `*`. Empty: loopback names, `HOST` and `BASE_URL`'s host."
    )
    trusted_proxies: int = setting(
        0, whole_number(0, 10), "Proxies in front whose `X-Forwarded-For` is believed; without them it is ignored."
    )
    access: str = setting(
        "open",
        one_of("open", "signin", "invite"),
        "Who may chat: `open` everybody, `signin` who has an account, `invite` who was invited to have one.",
    )
    smtp_url: str = setting(
        "", smtp_url, "Mail server, as `smtp://user:password@host:587` or `smtps://…`. Empty: no mail is sent."
    )
    mail_from: str = setting("", email_address, "Sender of mails. Empty: `CONTACT_EMAIL`.")
    oidc_issuer: str = setting("", issuer_url, "OpenID Connect provider people may sign in with, by its issuer's URL.")
    oidc_client_id: str = setting("", header_value, "This site's client id at that provider.")
    oidc_client_secret: str = setting("", header_value, "This site's client secret at that provider.")
    oidc_name: str = setting("", text, "The provider's name on the sign-in button. Empty: its host.")
    own_base_urls: str = setting(
        "off",
        one_of("off", "on", "private"),
        "`on` lets people save keys for model servers of their choice on the internet, `private` also in your network.",
    )
    site_name: str = setting("chatapp", text, "Name shown in headers and titles.")
    contact_phone: str = setting("+1 555 0100", text, "Phone number in the footer.")
    contact_email: str = setting("hello@example.com", text, "E-mail address in the footer.")
    log_level: str = setting("info", one_of("debug", "info", "warning", "error"), "Least severe log line to write.")

    openai_api_key: str = setting(
        "",
        header_value,
        "Key for OpenAI or the server at `OPENAI_BASE_URL`.",
        env=("OPENAI_API_KEY", "OPENAI_API_KEY_CYB_SEC"),
    )
    openai_base_url: str = setting("", http_url, "Any server that speaks OpenAI's format. Empty: OpenAI itself.")
    local_servers: str = setting(
        "auto",
        one_of("auto", "off"),
        "`auto` looks for Ollama, LM Studio, llama.cpp and vLLM on this machine when no key is set.",
    )
    default_model: str = setting("", text, "Model used when a request names none. Empty: chosen by what is available.")
    models_file: Path | None = setting(None, existing_file, "Your own `models.toml`; its entries win.")
    demo_pace_ms: int = setting(30, whole_number(0, 5000), "Pause between two pieces of a demo answer.")

    cors_origins: tuple[str, ...] = setting(
        ("*",), origins, "Sites whose pages may call the API: `*`, or origins such as `https://*.example.com`."
    )
    max_body_bytes: int = setting(1_000_000, whole_number(1000, 100_000_000), "Largest request body.")
    max_message_chars: int = setting(200_000, whole_number(1, 10_000_000), "Longest single message.")
    max_messages: int = setting(2000, whole_number(1, 100_000), "Most messages in one request.")
    max_answer_chars: int = setting(1_000_000, whole_number(100, 100_000_000), "Longest answer; then it is cut.")
    body_timeout_s: float = setting(15.0, seconds(0.1, 600), "Time for a request body to arrive.")
    write_timeout_s: float = setting(30.0, seconds(0.1, 600), "Time a reader may refuse to take data.")
    heartbeat_s: float = setting(15.0, seconds(0.1, 60), "Silence after which a stream sends a comment.")
    connect_timeout_s: float = setting(5.0, seconds(0.1, 60), "Time to connect to a provider.")
    first_token_timeout_s: float = setting(60.0, seconds(0.1, 3600), "Time to an answer's first token.")
    stall_timeout_s: float = setting(120.0, seconds(0.1, 3600), "Longest pause inside an answer.")
    answer_timeout_s: float = setting(900.0, seconds(0.1, 86_400), "Time for a whole answer.")
    run_lease_s: float = setting(
        10.0, seconds(0.4, 600), "Time without a sign of life after which a worker's answers count as interrupted."
    )
    graceful_timeout_s: int = setting(30, whole_number(1, 3600), "Time that open streams get when the server stops.")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, *, dotenv: Path | None = ROOT / ".env") -> Self:
        """Read the environment, which wins over the `.env` file; an empty value counts as not set.

        Raises: `ConfigError` with one line that names the setting.
        """
        environ = os.environ if environ is None else environ
        try:
            from_file = dotenv_values(dotenv) if dotenv and dotenv.is_file() else {}
        except (OSError, UnicodeDecodeError):
            raise ConfigError(f"{dotenv} cannot be read as UTF-8 text.") from None
        given = {**{name: value or "" for name, value in from_file.items()}, **environ}
        values: dict[str, Any] = {}
        for each in fields(cls):
            for name in env_names(each.name):
                raw = given.get(name, "").strip()
                if raw:
                    values[each.name] = _parsed(name, raw, each.metadata["parse"])
                    break
        return cls(**values)

    def check(self) -> None:
        """Raises: `ConfigError` for settings that do not go together."""
        if self.smtp_url and not self.base_url:
            raise ConfigError("SMTP_URL needs BASE_URL: the links in mails are built from it.")
        if self.oidc_issuer and not self.oidc_client_id:
            raise ConfigError("OIDC_ISSUER needs OIDC_CLIENT_ID.")
        if self.oidc_issuer and not self.base_url:
            raise ConfigError("OIDC_ISSUER needs BASE_URL: the provider sends people back to it.")
        if self.oidc_client_id and not self.oidc_issuer:
            raise ConfigError("OIDC_CLIENT_ID needs OIDC_ISSUER.")

    @property
    def is_secure(self) -> bool:
        """Whether the site is known to be served over TLS only."""
        return self.base_url.startswith("https://")

    @property
    def database(self) -> str:
        """The database's URL, whichever it is."""
        return self.database_url or f"sqlite:///{self.data_dir / 'chatapp.sqlite3'}"

    @property
    def accepted_hosts(self) -> frozenset[str] | None:
        """Host names (without port) that requests may be for, lower-case; None for any."""
        if "*" in self.allowed_hosts:
            return None
        own = {urlsplit(self.base_url).hostname or ""} - {""}
        if not self.allowed_hosts and not own and self.host in WILDCARD_ADDRESSES:
            return None
        names = {*LOOPBACK_HOSTS, self.host, *own, *self.allowed_hosts}
        return frozenset(_bracketed(name.lower()) for name in names)


def env_names(field_name: str) -> tuple[str, ...]:
    """Return the environment variables that set one field of `Config`; the first one set wins."""
    declared: tuple[str, ...] = Config.__dataclass_fields__[field_name].metadata["env"]
    return declared or (field_name.upper(),)


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name and not name.startswith("[") else name


def _url_parts(raw: str) -> SplitResult | None:
    """Split a URL that has a host, and a port that can be one; None for anything else."""
    try:
        parts = urlsplit(raw)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        # Its words would show the value.
        return None
    return parts if has_host and raw.isprintable() and " " not in raw else None


def _parsed(name: str, raw: str, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(raw)
    except ValueError as exc:
        # The value itself stays out of the message: it may be a key.
        raise ConfigError(f"{name} {exc}.") from None
