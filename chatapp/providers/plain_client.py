"""The HTTP client that the OpenAI SDK is given."""

from typing import Any

import httpx2

# What a request needs, and the SDK's note to itself of how to read the answer, which is not sent.
BARE_HEADERS = frozenset(b"host authorization accept content-type user-agent x-stainless-raw-response".split())


class PlainClient(httpx2.Client):
    """A client without what calls on behalf of many people must not share or follow: cookies, redirects, proxies.

    `is_bare` leaves out all headers that a server does not need: some hold what the SDK finds in the operator's
    environment, which is nobody else's.
    """

    def __init__(self, transport: httpx2.BaseTransport, *, is_bare: bool = False) -> None:
        super().__init__(transport=transport, follow_redirects=False, trust_env=False)
        self._handle = transport.handle_request
        self._is_bare = is_bare

    def send(self, request: httpx2.Request, *, stream: bool = False, **_: Any) -> httpx2.Response:
        """Send `request` and return its response, read to the end unless it is to be streamed."""
        if self._is_bare:
            request.headers = httpx2.Headers([each for each in request.headers.raw if each[0].lower() in BARE_HEADERS])
        response = self._handle(request)
        response.request = request
        if not stream:
            response.read()
        return response
