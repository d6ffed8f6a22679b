"""The real product in a process of its own: gunicorn, its workers, its log."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path

from chatapp.config import Config, env_names

ROOT = Path(__file__).resolve().parent.parent
START_LIMIT_S = 30
# In the value of a setting: the address that the server turns out to have.
OWN_URL = "{own url}"
# A developer's own .env must not leak into a test: a name that is set, even to nothing, wins over the file.
NOTHING_SET = {name: "" for each in fields(Config) for name in env_names(each.name)}


class LiveServer:
    """One running server; `stop()` it when done, or end it in any other way and `start()` it again on the same data.

    `env` is added to a minimal environment: nothing of the caller's own reaches the server.
    """

    def __init__(self, directory: Path, env: dict[str, str] | None = None) -> None:
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self._log_path = directory / "server.log"
        self.data_dir = directory / "data"
        self.data_dir.mkdir(parents=True, exist_ok=True)
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        own = {
            "DATA_DIR": str(self.data_dir),
            "PORT": str(self.port),
            "DEMO_PACE_MS": "5",
            "LOCAL_SERVERS": "off",
            "GRACEFUL_TIMEOUT_S": "2",
            "WEB_CONCURRENCY": "2",
        }
        settings = {**NOTHING_SET, **own, **(env or {})}
        settings = {name: value.replace(OWN_URL, self.base_url) for name, value in settings.items()}
        self._peak_from = 0
        self._workers = int(settings["WEB_CONCURRENCY"])
        self._env = {**kept, **settings}
        self.start()

    def start(self) -> None:
        """Start without waiting; the log goes on where it was."""
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"],
                cwd=ROOT,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Return once `/health` answers 200 and all workers run; raises with the end of the log when that never is."""
        give_up_at = time.monotonic() + START_LIMIT_S
        while time.monotonic() < give_up_at and self._process.poll() is None:
            if _is_healthy(self.port) and len(self.worker_pids()) == self._workers:
                return
            time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"the server did not start; its log ends:\n{self.log()[-4000:]}")

    def worker_pids(self) -> set[int]:
        """The processes that answer requests, as the kernel knows them."""
        pid = self._process.pid
        return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}

    @property
    def exit_status(self) -> int | None:
        """How the master ended; None while it runs."""
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the master, which tells its workers."""
        self._process.send_signal(number)

    def wait_until_gone(self, workers: set[int]) -> None:
        """Return once none of these workers is there any more."""
        give_up_at = time.monotonic() + START_LIMIT_S
        while workers & self.worker_pids():
            assert time.monotonic() < give_up_at, "workers do not end"
            time.sleep(0.01)

    def wait_until_over(self) -> int:
        """Return the exit status of the master once it and its workers have ended."""
        give_up_at = time.monotonic() + START_LIMIT_S
        status = self._process.wait(START_LIMIT_S)
        while _has_members(self._process.pid):
            assert time.monotonic() < give_up_at, "workers outlive their master"
            time.sleep(0.01)
        return status

    def forget_peaks(self) -> None:
        """Let `peak_growth_bytes` start from now.

        Source: proc(5), `clear_refs`: writing 5 resets the high-water mark of resident memory.
        """
        for pid in self.worker_pids():
            Path(f"/proc/{pid}/clear_refs").write_text("5")
        self._peak_from = self._peak_bytes()

    def peak_growth_bytes(self) -> int:
        """How much more memory the workers held at worst since `forget_peaks`."""
        return self._peak_bytes() - self._peak_from

    def _peak_bytes(self) -> int:
        texts = [Path(f"/proc/{pid}/status").read_text() for pid in self.worker_pids()]
        lines = [line for text in texts for line in text.splitlines() if line.startswith("VmHWM:")]
        return 1024 * sum(int(line.split()[1]) for line in lines)

    def open_sockets(self) -> int:
        """Sockets that the workers hold, towards readers and providers alike."""
        descriptors = [fd for pid in self.worker_pids() for fd in Path(f"/proc/{pid}/fd").iterdir()]
        return sum(_target(descriptor).startswith("socket:") for descriptor in descriptors)

    def log(self) -> str:
        return self._log_path.read_text("utf-8", errors="replace")

    def stop(self) -> None:
        """End the server and its workers at once, as when their machine fails."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def free_port() -> int:
    """Return a loopback port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _has_members(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _target(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except FileNotFoundError:  # closed since it was listed
        return ""
