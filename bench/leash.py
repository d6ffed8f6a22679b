"""Ends what the bench started, also when the bench itself was killed.

Run as `python -m bench.leash`: reads `+<session>` and `-<session>` lines, and when its input closes, kills the rest.
"""

import signal
import sys

from bench.processes import kill_session


def main() -> None:
    # Ctrl-C reaches the whole foreground group; the leash has to outlive the bench.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    held: set[int] = set()
    for line in sys.stdin:
        (held.add if line[0] == "+" else held.discard)(int(line[1:]))
    for session_id in held:
        kill_session(session_id)


if __name__ == "__main__":
    main()
