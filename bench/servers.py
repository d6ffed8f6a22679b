"""The servers that are measured: how each is started, asked and ended."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from bench.processes import cpu_s, kill_session

ROOT = Path(__file__).resolve().parent.parent
GUNICORN = Path(sys.executable).with_name("gunicorn")
WORKERS = 2
_START_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 5.0


class ServerFailed(Exception):
    """A server did not start, or did not answer; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a server is to run: the port it listens at, its upstream's port, and a folder of its own."""

    port: int
    upstream_port: int
    folder: Path


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One kind of server.

    `warm_up` holds (path, body) of requests that load what the server loads late. `is_kept` says that each answer is
    stored, as the first of a new conversation.
    """

    name: str
    command: Callable[[Place], list[str]]
    env: Callable[[Place], Mapping[str, str]]
    stream_path: str
    json_path: str
    is_product_api: bool
    warm_up: tuple[tuple[str, str], ...] = field(default=())
    is_kept: bool = False

    def body(self, model: str, *, stream: bool) -> str:
        """Return the request that makes `model` answer: the product's, or OpenAI's where bytes are only passed on."""
        if self.is_product_api:
            if self.is_kept:
                # Says enough for a title, as most questions do.
                place = {"conversation_id": "new", "parent_id": None}
                return json.dumps({"message": "What makes the tides?", "model": model} | place)
            return json.dumps({"message": "hi", "model": model})
        options: dict[str, object] = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
        return json.dumps({"model": model, "messages": [{"role": "user", "content": "hi"}]} | options)


def nginx_binary() -> str | None:
    """Return where nginx is; Debian keeps it where only root looks."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def _nginx_command(place: Place) -> list[str]:
    settings = (Path(__file__).parent / "nginx.conf").read_text()
    values = {
        "PORT": place.port,
        "UPSTREAM_PORT": place.upstream_port,
        "FOLDER": place.folder,
        "WORKERS": WORKERS,
    }
    for name, value in values.items():
        settings = settings.replace(f"@{name}@", str(value))
    path = place.folder / "nginx.conf"
    path.write_text(settings)
    return [nginx_binary() or "nginx", "-e", str(place.folder / "error.log"), "-c", str(path)]


def _openai_env(place: Place) -> dict[str, str]:
    return {"OPENAI_BASE_URL": f"http://127.0.0.1:{place.upstream_port}/v1", "OPENAI_API_KEY": "sk-bench"}


def _product_env(place: Place) -> dict[str, str]:
    mine = {"LOCAL_SERVERS": "off", "WEB_CONCURRENCY": str(WORKERS), "DATA_DIR": str(place.folder)}
    return _openai_env(place) | mine


NGINX = Subject(
    name="nginx",
    command=_nginx_command,
    env=lambda _: {},
    stream_path="/v1/chat/completions",
    json_path="/v1/chat/completions",
    is_product_api=False,
)
PRODUCT = Subject(
    name="product",
    command=lambda place: [str(GUNICORN), "-c", "gunicorn.conf.py", "-b", f"127.0.0.1:{place.port}", "wsgi:app"],
    env=_product_env,
    stream_path="/chat/stream",
    json_path="/chat",
    is_product_api=True,
    # The two tokenizers: gpt-4o counts with o200k_base, gpt-3.5-turbo with cl100k_base.
    warm_up=tuple(("/tokens", json.dumps({"message": "hi", "model": name})) for name in ("gpt-4o", "gpt-3.5-turbo")),
)
OLD_WAY = Subject(
    name="old way",
    command=lambda place: [
        # Without a file named, gunicorn would read the product's settings, which lie where it starts.
        *(str(GUNICORN), "-c", "/dev/null", "-k", "gevent", "-w", str(WORKERS), "--worker-connections", "10000"),
        *("--no-control-socket", "--log-level", "warning", "-b", f"127.0.0.1:{place.port}", "bench.old_way:app"),
    ],
    env=_openai_env,
    stream_path="/chat/stream",
    json_path="/chat",
    is_product_api=True,
)
# The same server, asked for answers that outlive their connections.
KEPT = replace(PRODUCT, name="product kept", is_kept=True)
SUBJECTS = (NGINX, PRODUCT, KEPT, OLD_WAY)


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens at now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def ask(
    port: int,
    path: str,
    body: str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 10.0,
) -> tuple[int, bytes]:
    """Send one request, a POST if there is a body, and return the answer's status and body.

    Raises: `ServerFailed` when nobody answers.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        method = "GET" if body is None else "POST"
        basics = {"Content-Type": "application/json", "Connection": "close"}
        connection.request(method, path, body, {**basics, **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as exc:
        raise ServerFailed(f"port {port} did not answer {path}: {exc}") from exc
    finally:
        connection.close()


class Process:
    """A program in a session of its own, ended with all its children when the block ends."""

    def __init__(self, command: list[str], *, env: Mapping[str, str], log: Path, leash: IO[str]) -> None:
        self._leash = leash
        # Nothing of the caller's environment but where programs are: no proxy, key or setting changes the figures.
        basics = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
        with log.open("wb") as output:
            self._popen = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**basics, **env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.session_id = self._popen.pid
        self._tell(f"+{self.session_id}\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._popen.terminate()
        try:
            self._popen.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        kill_session(self.session_id)
        self._tell(f"-{self.session_id}\n")

    @property
    def is_running(self) -> bool:
        return self._popen.poll() is None

    def _tell(self, line: str) -> None:
        self._leash.write(line)
        self._leash.flush()


class Server(Process):
    """A running `Subject` that has answered its first health check; `ready_s` and `ready_cpu_s` are what that took.

    Raises: `ServerFailed` when it ends or stays silent instead.
    """

    def __init__(self, subject: Subject, *, upstream_port: int, folder: Path, leash: IO[str]) -> None:
        self.subject = subject
        self.port = free_port()
        self._folder = folder
        self._log = folder / "server.log"
        place = Place(port=self.port, upstream_port=upstream_port, folder=folder)
        command, env = subject.command(place), {**subject.env(place), "HOME": str(folder)}
        begin = time.monotonic()
        super().__init__(command, env=env, log=self._log, leash=leash)
        try:
            self._wait_until_healthy(begin + _START_TIMEOUT_S)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        self.ready_s = time.monotonic() - begin
        self.ready_cpu_s = cpu_s(self.session_id)

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """What every request needs besides its body: where answers are kept, somebody whose they are.

        Raises: `ServerFailed`.
        """
        if not self.subject.is_kept:
            return {}
        status, answer = ask(self.port, "/guests", json.dumps({"credential": "token"}))
        if status != 200:
            raise ServerFailed(f"{self.subject.name} answered {status} to POST /guests: {answer[:200]!r}")
        return {"Authorization": f"Bearer {json.loads(answer)['token']}"}

    @property
    def database(self) -> Path | None:
        """Return the file in which answers are kept, if they are."""
        return self._folder / "chatapp.sqlite3" if self.subject.is_kept else None

    def _wait_until_healthy(self, deadline: float) -> None:
        while time.monotonic() < deadline and self.is_running:
            try:
                status, _ = ask(self.port, "/health", timeout_s=2.0)
            except ServerFailed:
                status = 0
            if status == 200:
                return
            time.sleep(0.005)
        raise ServerFailed(f"{self.subject.name} did not answer /health with 200:\n{self.last_log_lines()}")

    def last_log_lines(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])


class Companion:
    """One of the bench's own programs: `bench.<module>`, which ends when its input is closed."""

    def __init__(self, module: str) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-m", f"bench.{module}"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self.input = self._popen.stdin
        self.output = self._popen.stdout
        self.session_id = self._popen.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.input.close()
        try:
            self._popen.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        self.output.close()
