"""The archives are what the tables say they are, and the plot can be drawn."""

from collections import Counter
from random import Random
from xml.etree import ElementTree as ET

import pytest

from bench.store.archive import LONG_THREAD, RARE_TIMES, Archive, Rows
from bench.store.measuring import Cost, StoreResults
from bench.store.plot import render_plot
from bench.store.report import render_report
from bench.store.texts import Language


@pytest.fixture(scope="module")
def rows() -> Rows:
    """An archive of 1,000 messages."""
    random = Random(1)
    (batch,) = Archive(size=1_000, language=Language(random), random=random).batches(of=100_000)
    return batch


def test_an_archive_has_as_many_messages_as_asked_for(rows: Rows) -> None:
    """Costs are told by that number; the thread of 2,000 comes on top."""
    assert len(rows.messages) == pytest.approx(1_000 + LONG_THREAD, abs=2)
    assert len(rows.search_entries) == len(rows.messages) + len(rows.conversations)
    assert 14 <= len(rows.conversations) <= 50


def test_the_rare_word_is_as_rare_at_every_size(rows: Rows) -> None:
    """Else its search would grow with what it finds."""
    assert sum(Archive.rare_word in row["text"] for row in rows.messages) == RARE_TIMES


def test_each_thread_can_go_on(rows: Rows) -> None:
    """It ends with an answer, hangs together, and has siblings here and there."""
    by_id = {row["id"]: row for row in rows.messages}
    parents = Counter(row["parent_id"] for row in rows.messages if row["parent_id"])

    assert all(by_id[row["head_id"]]["role"] == "assistant" for row in rows.conversations)
    assert all(by_id[row["parent_id"]]["role"] != row["role"] for row in rows.messages if row["parent_id"])
    assert max(parents.values()) > 1


def test_what_grows_too_fast_is_said_and_drawn() -> None:
    """A table in which everything is well is of no use."""
    costs = [
        Cost(kind="sqlite", size=size, call=call, p50_ms=ms, p95_ms=ms)
        for call, prices in (("flat", (1.0, 1.5)), ("steep", (1.0, 30.0)))
        for size, ms in zip((1_000, 100_000), prices, strict=True)
    ]
    results = StoreResults(command="test", times=1, sizes=[1_000, 100_000], costs=costs)

    lines = render_report(results).splitlines()

    assert next(line for line in lines if line.startswith("| flat")).endswith("| yes |")
    assert next(line for line in lines if line.startswith("| steep")).endswith("| **no** |")
    assert ET.fromstring(render_plot(results)).tag.endswith("svg")
