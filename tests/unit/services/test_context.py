"""What a model is told of a stored conversation: the rule, the summary, and what both cost."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event

from chatapp.core.chat import Message
from chatapp.core.context_window import answer_room, count_prompt
from chatapp.core.conversations import Conversation
from chatapp.core.events import Finished, Started, TextDelta, Usage
from chatapp.core.models import Model
from chatapp.core.prompt import Summary
from chatapp.errors import PayloadTooLarge, ProviderError
from chatapp.services.answering import Answering
from chatapp.services.context import Asked, ContextBuilder, Plan
from chatapp.services.guarding import Limits
from chatapp.services.model_directory import ModelDirectory
from chatapp.services.summarising import FAILED, dollars
from chatapp.store import conversations, memory, summaries
from chatapp.store.db import Database
from tests.unit.services.scripted import FakeClock, LetterCounter, ScriptedProvider
from tests.unit.services.threads import new_thread, pin, say

LIMITS = Limits(first_token_timeout_s=10, stall_timeout_s=5, answer_timeout_s=60, max_answer_chars=100_000)
# A letter is a token: sizes can be read off the texts.
SMALL = Model(
    id="small", name="Small", provider="openai", context_window=12_000,
    input_usd_per_million=1.0, output_usd_per_million=2.0,
)  # fmt: skip
LARGE = Model(id="large", name="Large", provider="openai", context_window=100_000)
UNKNOWN = Model(id="unknown", name="Unknown", provider="openai")
DEMO = Model(id="demo", name="Demo", provider="demo", context_window=12_000)
SUMS_UP = (
    Started("small"),
    TextDelta("They spoke "),
    TextDelta("of boats."),
    Usage(prompt_tokens=1000, completion_tokens=100),
    Finished("stop"),
)
LONG = "x" * 300


class House:
    """A builder over a database, and the provider behind it."""

    def __init__(self, database: Database, *script: Any) -> None:
        self.database = database
        self.provider = ScriptedProvider(*(script or SUMS_UP))
        directory = ModelDirectory(
            {model.id: model for model in (SMALL, LARGE, UNKNOWN, DEMO)},
            catalog_default="small",
            is_configured=True,
            is_openai_itself=True,
        )
        answering = Answering(
            directory=directory,
            providers={"openai": self.provider, "demo": self.provider},
            counter=LetterCounter(),
            limits=LIMITS,
            clock=FakeClock(),
        )
        self.builder = ContextBuilder(database, answering)

    @property
    def requests(self) -> list[tuple[Message, ...]]:
        return [request.messages for request, _ in self.provider.asked]

    def plan(self, thread: Conversation, parent_id: UUID | None, **choices: Any) -> Plan:
        asked = Asked(
            owner_id=thread.owner_id,
            conversation_id=thread.id,
            parent_id=parent_id,
            question="And now?",
            **{"model": SMALL, **choices},
        )
        plan = self.builder.plan(asked)
        window = plan.frame.window
        assert window is None or count_prompt(plan.messages, len) + answer_room(window, None) <= window
        return plan


def texts(plan: Plan) -> list[str]:
    return [message.text for message in plan.messages if message.role != "system"]


def system(plan: Plan) -> str:
    return "".join(message.text for message in plan.messages if message.role == "system")


def turns(count: int, *, first: int = 0) -> list[str]:
    """Questions and answers in turn, each with its number."""
    return [f"{'ua'[number % 2]}:{number} {LONG}" for number in range(first, first + count)]


def numbers(plan: Plan) -> list[int]:
    return [int(text.split()[0]) for text in texts(plan)[:-1]]


def test_a_short_thread_is_told_whole(database: Database) -> None:
    """Without answers that never began; half an answer was said."""
    house, thread = House(database), new_thread(database)
    ids = say(database, thread, ["u:one", "a:", "u:two", "a:half an ans"])

    plan = house.plan(thread, ids[-1])

    assert plan.messages == (
        Message("user", "one"),
        Message("user", "two"),
        Message("assistant", "half an ans"),
        Message("user", "And now?"),
    )
    assert plan.context == {
        "window": 12_000,
        "used_tokens": count_prompt(plan.messages, len),
        "omitted_messages": 0,
        "summarised_messages": 0,
        "memory_tokens": 0,
    }
    assert not plan.is_to_be_summarised


def test_only_the_path_is_told(database: Database) -> None:
    """What was said on another branch was never said on this one."""
    house, thread = House(database), new_thread(database)
    first = say(database, thread, ["u:one", "a:two"])
    other = say(database, thread, ["u:other", "a:branch"], after=first[-1])
    pin(database, other[0])
    own = say(database, thread, ["u:three", "a:four"], after=first[-1])

    assert texts(house.plan(thread, own[-1])) == ["one", "two", "three", "four", "And now?"]
    assert texts(house.plan(thread, None)) == ["And now?"]


def test_instructions_and_memory_come_first(database: Database) -> None:
    """In one system message, since some models take no other; memory that is off costs nothing."""
    house, thread = House(database), new_thread(database)
    with database.write() as connection:
        memory.add(connection, thread.owner_id, "I sail.")

    plan = house.plan(thread, None, instructions="Be kind.")

    told = "What the person wants you to know:\n- I sail."
    assert plan.messages == (Message("system", f"Be kind.\n\n{told}"), Message("user", "And now?"))
    assert plan.context["memory_tokens"] == len(told)
    with database.write() as connection:
        memory.enable(connection, thread.owner_id, is_on=False)
    assert (system(house.plan(thread, None)), house.plan(thread, None).context["memory_tokens"]) == ("", 0)


def test_memory_takes_at_most_a_quarter_of_the_window(database: Database) -> None:
    """However much is remembered, a small model can still be asked."""
    house, thread = House(database), new_thread(database)
    with database.write() as connection:
        for number in range(12):
            memory.add(connection, thread.owner_id, f"{number} {'f' * 499}")

    plan = house.plan(thread, None)

    assert system(plan).count("\n- ") == 5
    assert "\n- 11 f" in system(plan)
    assert plan.notices == ("Of your memory, 7 facts did not fit this model's window.",)


@pytest.mark.parametrize("choices", [{"is_summarised": False}, {"model": DEMO}], ids=["off", "demo"])
def test_without_summaries_the_oldest_are_left_out(database: Database, choices: dict[str, Any]) -> None:
    """By the same rule as everywhere, with the exact number; what is pinned on the path stays."""
    house, thread = House(database), new_thread(database)
    ids = say(database, thread, turns(100))
    other = say(database, thread, ["u:other branch"], after=ids[9])
    pin(database, ids[4], ids[90], other[0])

    plan = house.plan(thread, ids[-1], **choices)

    kept = numbers(plan)
    assert kept == list(range(kept[0], 100))
    assert kept[0] % 2 == 0
    assert system(plan).endswith(f"Person: 4 {LONG}")
    assert plan.context["omitted_messages"] == kept[0] - 1
    assert not plan.is_to_be_summarised
    assert house.builder.summarised(plan) is plan
    assert house.requests == []


def test_what_is_pinned_and_cut_moves_up(database: Database) -> None:
    """It stays although those around it go, and each is told once."""
    house, thread = House(database), new_thread(database)
    ids = say(database, thread, turns(32))
    pin(database, ids[1], ids[2], ids[31])

    plan = house.plan(thread, ids[-1], is_summarised=False)

    assert system(plan).endswith(f"Assistant: 1 {LONG}\n\nPerson: 2 {LONG}")
    assert numbers(plan)[-1] == 31
    assert plan.context["omitted_messages"] == 32 - len(numbers(plan)) - 2


@pytest.mark.parametrize("newer", [0, 40], ids=["read", "unread"])
def test_more_pinned_than_fits_is_said_so(database: Database, newer: int) -> None:
    """Else the person would not know what to do about it."""
    house, thread = House(database), new_thread(database)
    ids = say(database, thread, turns(40))
    pin(database, *ids)
    ids += say(database, thread, turns(newer), after=ids[-1]) if newer else []

    with pytest.raises(PayloadTooLarge, match="unpin some") as caught:
        house.plan(thread, ids[-1], is_summarised=False)

    assert caught.value.code == "context_too_long"


def test_an_unknown_window_is_told_everything(database: Database) -> None:
    """A guess would forget what the model could have read."""
    house, thread = House(database), new_thread(database)
    ids = say(database, thread, turns(70))

    assert numbers(house.plan(thread, ids[-1], model=UNKNOWN)) == list(range(70))


def test_a_thread_that_outgrows_the_window_is_summarised(database: Database) -> None:
    """By the model in use; half of the room is free afterwards, and the person is told what it took."""
    house, thread = House(database), new_thread(database)
    ids = say(database, thread, turns(30))
    pin(database, ids[3])

    plan = house.plan(thread, ids[-1])
    assert plan.is_to_be_summarised
    done = house.builder.summarised(plan)

    covered = numbers(done)[0]
    assert numbers(done) == list(range(covered, 30))
    assert system(done) == (
        "Summary of the earlier conversation:\n\nThey spoke of boats.\n\n"
        f"Earlier messages of this conversation that are kept word for word:\n\nAssistant: 3 {LONG}"
    )
    assert done.context["used_tokens"] <= 4500
    assert (done.context["summarised_messages"], done.context["omitted_messages"]) == (covered, 0)
    assert done.notices == ("Earlier messages were summarised (1,100 tokens · $0.0012).",)
    assert len(house.requests) == 1
    assert f"Person: 0 {LONG}\n\nAssistant: 1 {LONG}" in house.requests[0][-1].text
    kept = Summary(until_id=ids[covered - 1], text="They spoke of boats.", model="small", covers=covered)
    with database.read() as connection:
        assert summaries.nearest(connection, thread.id, ids[-1]) == kept
        assert summaries.nearest(connection, thread.id, ids[covered - 2]) is None


def test_a_summary_is_made_once_and_goes_on(database: Database) -> None:
    """The next answers use it, the next summary begins with it; a branch before it never sees it."""
    house, thread = House(database), new_thread(database)
    ids = say(database, thread, turns(30))
    first = house.builder.summarised(house.plan(thread, ids[-1]))

    again = House(database).plan(thread, ids[-1])
    assert (again.messages, again.context) == (first.messages, first.context)
    assert not again.is_to_be_summarised

    ids += say(database, thread, turns(20, first=30), after=ids[-1])
    grown = house.builder.summarised(house.plan(thread, ids[-1]))
    assert len(house.requests) == 2
    request = house.requests[1][-1].text
    covered = first.context["summarised_messages"]
    assert (
        f"Summary of what came before:\n\nThey spoke of boats.\n\nThe conversation goes on:\n\nPerson: {covered} x"
        in request
    )
    told = len(grown.thread.read)
    assert (grown.context["summarised_messages"], grown.context["omitted_messages"]) == (50 - told, 0)

    branch = say(database, thread, ["u:other", "a:way"], after=ids[1])
    assert system(house.plan(thread, branch[-1])) == ""


def test_long_threads_and_messages_are_summarised_in_pieces(database: Database) -> None:
    """Each within the window; a thread far beyond it keeps its oldest part out, and says so."""
    house, thread = House(database), new_thread(database)
    ids = say(database, thread, [*turns(300), "u:" + "long " * 1800, *turns(1), "a:end"])

    done = house.builder.summarised(house.plan(thread, ids[-1]))

    assert 1 < len(house.requests) <= 16
    assert all(count_prompt(request, len) + answer_room(12_000, None) <= 12_000 for request in house.requests)
    figures = done.context
    assert figures["summarised_messages"] > 150
    assert figures["omitted_messages"] > 0
    assert figures["summarised_messages"] + figures["omitted_messages"] + len(done.thread.read) == len(ids)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([ProviderError("No.")], id="refused"),
        pytest.param([Started("small"), TextDelta("They"), ProviderError("Gone.")], id="broken"),
        pytest.param([Started("small"), TextDelta(" \n"), Finished("stop")], id="empty"),
    ],
)
def test_an_answer_never_fails_for_want_of_a_summary(database: Database, script: list[Any]) -> None:
    """It is given with the oldest messages left out, and says so."""
    house, thread = House(database, *script), new_thread(database)
    ids = say(database, thread, turns(32))

    plan = house.plan(thread, ids[-1])
    done = house.builder.summarised(plan)

    assert (done.messages, done.notices) == (plan.messages, (FAILED,))
    assert done.context["omitted_messages"] == 32 - len(numbers(done)) > 0
    with database.read() as connection:
        assert summaries.nearest(connection, thread.id, ids[-1]) is None


def test_a_summary_of_what_is_deleted_meanwhile_is_not_kept(database: Database) -> None:
    """The last message that it covers is gone, and the answer is on its way."""
    house, thread = House(database), new_thread(database)
    ids = say(database, thread, turns(32))
    plan = house.plan(thread, ids[-1])
    with database.write() as connection:
        conversations.purge(connection, thread.id)

    done = house.builder.summarised(plan)

    assert system(done).endswith("They spoke of boats.")


@pytest.mark.parametrize(
    ("micros", "shown"),
    [(0, "$0"), (1, "less than $0.0001"), (100, "$0.0001"), (12_300, "$0.0123"), (2_345_678, "$2.35")],
)
def test_amounts_have_the_digits_that_tell_something(micros: int, shown: str) -> None:
    """A cost of "$0.00" looks as if it were free."""
    assert dollars(micros) == shown


def test_what_ends_the_run_ends_the_summary(database: Database) -> None:
    """Stop is pressed while the person waits for it."""

    def press_stop() -> None:
        raise KeyboardInterrupt

    house, thread = House(database, Started("small"), press_stop), new_thread(database)
    ids = say(database, thread, turns(32))

    with pytest.raises(KeyboardInterrupt):
        house.builder.summarised(house.plan(thread, ids[-1]))

    assert house.provider.script.closings == 1


def test_a_larger_model_is_told_what_a_smaller_one_summed_up(database: Database) -> None:
    """Nothing is forgotten that the model could read; where that is too much, the summary serves."""
    house, thread = House(database), new_thread(database)
    ids = say(database, thread, turns(30))
    house.builder.summarised(house.plan(thread, ids[-1]))

    assert numbers(house.plan(thread, ids[-1], model=LARGE)) == list(range(30))

    ids += say(database, thread, turns(1000), after=ids[-1])
    smaller = house.plan(thread, ids[20], model=LARGE)
    assert smaller.thread.summary is None
    beyond = house.plan(thread, ids[-1], model=LARGE)
    assert beyond.thread.summary is not None


def test_a_summary_that_is_switched_off_is_not_told(database: Database) -> None:
    """The person reads the thread as it was, and so does the model."""
    house, thread = House(database), new_thread(database)
    ids = say(database, thread, turns(30))
    house.builder.summarised(house.plan(thread, ids[-1]))

    plan = house.plan(thread, ids[-1], is_summarised=False)

    assert system(plan) == ""
    assert plan.context["omitted_messages"] == 30 - len(numbers(plan))


@contextmanager
def work_of(database: Database) -> Iterator[list[int]]:
    """Count what the database does: rows that leave PostgreSQL, hundreds of steps of SQLite's machine."""
    counted = [0]

    def count_steps() -> int:
        counted[0] += 1
        return 0

    def count_rows(_c: Any, cursor: Any, *_: Any) -> None:
        counted[0] += cursor.rowcount

    def watch(connection: Any, *_: Any) -> None:
        connection.set_progress_handler(count_steps, 100)

    kind, listener = ("checkout", watch) if database.is_sqlite else ("after_cursor_execute", count_rows)
    event.listen(database.engine, kind, listener)
    yield counted
    event.remove(database.engine, kind, listener)


@pytest.mark.parametrize("is_summarised", [False, True], ids=["cut", "summarised"])
def test_planning_costs_the_same_for_ten_times_the_thread(database: Database, is_summarised: bool) -> None:
    """A conversation of years must not become slower than one of weeks."""
    costs = []
    for length in (400, 4000):
        house, thread = House(database), new_thread(database)
        ids = say(database, thread, turns(length))
        pin(database, ids[2])
        house.builder.summarised(house.plan(thread, ids[-1], is_summarised=is_summarised))
        ids += say(database, thread, turns(2), after=ids[-1])

        with work_of(database) as work:
            plan = house.plan(thread, ids[-1], is_summarised=is_summarised)

        figures = plan.context
        known = figures["summarised_messages"] + figures["omitted_messages"]
        assert known + len(numbers(plan)) + (0 if is_summarised else 1) == length + 2
        costs.append(work[0])

    assert costs[1] <= costs[0] * 1.2
