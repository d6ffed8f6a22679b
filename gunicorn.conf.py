"""How gunicorn runs chatapp; every number stands beside its reason."""

# First of all: what is imported later must see cooperative sockets, and patched once before the fork the modules are
# shared by all workers (20 MB of their own each, against 83 MB when each worker patches for itself).
from gevent import monkey

monkey.patch_all()

import ctypes  # noqa: E402
import gc  # noqa: E402
import sys  # noqa: E402

from chatapp.client_socket import ClientSocket  # noqa: E402
from chatapp.config import Config, ConfigError  # noqa: E402

try:
    _config = Config.from_env()
except ConfigError as exc:
    sys.exit(f"chatapp cannot start: {exc}")

bind = f"{_config.host}:{_config.port}"
worker_class = "chatapp.server.ChatWorker"
workers = _config.web_concurrency
# Only a cap: an open stream costs one greenlet, so thousands per worker are fine.
worker_connections = _config.worker_connections
# The kernel caps this at net.core.somaxconn; a burst of readers should wait there, not be refused.
backlog = 8192
# The application is loaded once, before the fork: tokenizers and SDK are shared memory.
preload_app = True
# A worker whose event loop does not answer for this long is replaced.
timeout = 120
graceful_timeout = _config.graceful_timeout_s
# Longer than most proxies keep an idle connection, so that they close first.
keepalive = 15
# One structured line per request is written by the application instead.
accesslog = None
errorlog = "-"
loglevel = "warning"
logger_class = "chatapp.server.JSONLogger"
# Two servers of one user would take each other's default socket.
control_socket_disable = True

ClientSocket.write_timeout_s = _config.write_timeout_s


def pre_fork(server, worker):  # type: ignore[no-untyped-def]  # gunicorn's hook
    """Make what is loaded cheap to share: nothing of it is garbage, and nothing of it will be."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        # Building the tokenizers leaves holes behind, in glibc's heap at least.
        libc.malloc_trim(0)
    # Out of the collector's sight: its passes would write to, and so copy, every shared page.
    gc.freeze()


def when_ready(server):  # type: ignore[no-untyped-def]  # gunicorn's hook
    address = _config.base_url or f"http://{_config.host}:{_config.port}"
    print(f"chatapp is ready at {address}", file=sys.stderr, flush=True)


def post_worker_init(worker):  # type: ignore[no-untyped-def]  # gunicorn's hook
    """Begin what runs beside the requests; a greenlet does not survive a fork, so each worker has its own."""
    # Thousands of open streams are thousands of live objects: looking at them every 700 allocations finds nothing.
    gc.set_threshold(20_000, 20, 20)
    worker.wsgi.extensions["start_background"]()
