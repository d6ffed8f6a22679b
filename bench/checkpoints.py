"""How often the product's workers save their running answers, read from the signs of life that go with it."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path


def beats_of(database: Path) -> Mapping[str, int]:
    """Return each worker's sign of life: it grows by one with each transaction that saves answers."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return dict(connection.execute("SELECT id, beat FROM workers"))


def most_beats(before: Mapping[str, int], after: Mapping[str, int]) -> int:
    """Return how often the busiest worker has saved in between."""
    return max((beat - before.get(worker, 0) for worker, beat in after.items()), default=0)
