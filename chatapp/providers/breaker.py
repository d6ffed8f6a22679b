"""A circuit breaker: a provider that cannot be reached is left alone for a while."""

import time
from collections.abc import Callable

from chatapp.errors import ProviderError


class CircuitBreaker:
    """Opens after `threshold` failures to connect in a row, for `open_s` seconds; then one call may try again."""

    def __init__(
        self, *, threshold: int = 5, open_s: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._threshold = threshold
        self._open_s = open_s
        self._clock = clock
        self._failures = 0
        self._open_until = 0.0

    def check(self) -> None:
        """Raises: `ProviderError` (502 `upstream_unreachable`) while the circuit is open."""
        if self._failures < self._threshold:
            return
        left_s = self._open_until - self._clock()
        if left_s > 0:
            raise ProviderError(
                "The model's server cannot be reached.",
                code="upstream_unreachable",
                retry_after_s=max(1, round(left_s)),
            )
        # Half open: this caller tries; the others wait for what it finds.
        self._open_until = self._clock() + self._open_s

    def record_success(self) -> None:
        self._failures = 0

    def record_failure(self) -> None:
        self._failures += 1
        if self._failures >= self._threshold:
            self._open_until = self._clock() + self._open_s
