"""Server-sent events as they come off a socket, in pieces of any size."""

# Source: WHATWG HTML, 9.2.6 "Interpreting an event stream".

MAX_EVENT_BYTES = 1024 * 1024

# Events without a name are the stream itself; `error` is how some servers name a failure.
KNOWN_EVENTS = (b"", b"message", b"error")


class EventTooLarge(ValueError):
    """One event is larger than `MAX_EVENT_BYTES`."""


class EventSplitter:
    """Cuts a byte stream into the `data` of its events."""

    def __init__(self) -> None:
        # The line that is not yet complete, in pieces: joining them at each read would make a long line quadratic.
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._name = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the data of every event that `chunk` completes.

        Lines may end in LF, CRLF or CR; comments and events of foreign types are dropped.
        Raises: `EventTooLarge`.
        """
        if chunk.startswith(b"data: ") and chunk.endswith(b"\n\n") and not self._is_inside_event():
            # The common case: whole events of one line each, mostly one.
            if chunk.find(b"\n") == len(chunk) - 2 and b"\r" not in chunk:
                return [chunk[6:-2]]
            events = chunk[6:-2].split(b"\n\ndata: ")
            if chunk.count(b"\n") == 2 * len(events) and b"\r" not in chunk:
                return events
        return self._feed_lines(chunk)

    def _is_inside_event(self) -> bool:
        return bool(self._pending or self._data or self._name)

    def _feed_lines(self, chunk: bytes) -> list[bytes]:
        if b"\n" not in chunk and b"\r" not in chunk and not self._ends_in_cr():
            self._keep(chunk)
            return []
        buffer = b"".join([*self._pending, chunk])
        held = b""
        if b"\r" in buffer:
            # A CR at the very end may be half of a CRLF: it waits for the next byte.
            if buffer.endswith(b"\r"):
                buffer, held = buffer[:-1], b"\r"
            buffer = buffer.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = buffer.split(b"\n")
        self._pending, self._pending_bytes = [], 0
        self._keep(rest + held)
        return [data for line in lines if (data := self._end_line(line)) is not None]

    def _ends_in_cr(self) -> bool:
        return bool(self._pending) and self._pending[-1].endswith(b"\r")

    def _keep(self, piece: bytes) -> None:
        if piece:
            self._pending.append(piece)
            self._pending_bytes += len(piece)
        if self._pending_bytes > MAX_EVENT_BYTES:
            raise EventTooLarge

    def _end_line(self, line: bytes) -> bytes | None:
        if not line:
            data, name = self._data, self._name
            self._data, self._data_bytes, self._name = [], 0, b""
            return b"\n".join(data) if data and name in KNOWN_EVENTS else None
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
            self._data_bytes += len(value) + 1
            if self._data_bytes > MAX_EVENT_BYTES:
                raise EventTooLarge
        elif field == b"event":
            self._name = value
        return None
