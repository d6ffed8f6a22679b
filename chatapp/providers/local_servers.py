"""Model servers that people run on their own machine, at the ports they use by default."""

from typing import NamedTuple


class LocalServer(NamedTuple):
    """A kind of server and where it listens."""

    name: str
    base_url: str


# Sources: each project's documentation of its OpenAI-compatible server, read on 2026-11-20.
LOCAL_SERVERS = (
    LocalServer("ollama", "http://127.0.0.1:11434/v1"),
    LocalServer("lmstudio", "http://127.0.0.1:1234/v1"),
    LocalServer("llamacpp", "http://127.0.0.1:8080/v1"),
    LocalServer("vllm", "http://127.0.0.1:8000/v1"),
)
