"""What is asked of the store: calls of the services, each time about something else."""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from uuid import UUID

from sqlalchemy import select

from bench.store.databases import Filled
from chatapp.core.conversations import Place
from chatapp.core.events import Usage
from chatapp.services.conversations import Conversations
from chatapp.services.memory import Memory
from chatapp.services.runs.feed import Outcome
from chatapp.services.runs.live import LiveRun, Prepared, Tell
from chatapp.services.runs.questions import StoredQuestion
from chatapp.services.runs.writing import RunWriter
from chatapp.services.threads import Threads
from chatapp.store.db import Database
from chatapp.store.tables import conversations

# A page of the list holds fewer conversations than the product's, so that the smallest archive has several pages.
LIST_PAGE = 10
OPEN_PAGE = 30
SEARCH_PAGE = 20

# Ranks of words, counted from the most common one.
_COMMON = range(5, 25)
_COMMON_LONG = range(9, 50, 5)  # see `texts`: every fifth word is long
_MIDDLING = range(900, 1100)

Call = Callable[[], object]
# Chooses what to ask for, which is not timed, and returns the call that is.
Choose = Callable[[], Call]

_USAGE = Usage(prompt_tokens=1200, completion_tokens=80, cost_usd_micros=3800)


class Asking:
    """All calls on one database."""

    def __init__(self, filled: Filled, database: Database, random: Random) -> None:
        self._filled = filled
        self._owner = filled.owner
        self._database = database
        self._random = random
        self._conversations = Conversations(database, stop_runs=lambda _: None)
        self._threads = Threads(database)
        self._writer = RunWriter(database, Memory(database, len))
        with database.read() as connection:
            of = conversations.c
            listed = select(of.is_pinned, of.activity, of.id).where(~of.is_archived, of.deleted_at.is_(None))
            ordered = listed.order_by(of.is_pinned.desc(), of.activity.desc())
            self._places = [Place(*row) for row in connection.execute(ordered)]

    def calls(self) -> Mapping[str, Choose]:
        """Return what to measure, by the names of the tables; what changes the archive comes last."""
        return {
            "list, first page": lambda: self._list(None),
            "list, deep page": lambda: self._list(self._deep_place()),
            "labels": lambda: lambda: self._conversations.labels(self._owner),
            "open a thread": lambda: self._open(self._random.choice(self._places).id),
            "open 2,000 messages": lambda: self._open(self._filled.long_thread),
            "search a rare word": lambda: self._search(self._filled.rare_word),
            "search a common word": lambda: self._search(self._word(_COMMON)),
            "search a long word": lambda: self._search(self._word(_COMMON_LONG)),
            "search a middling word": lambda: self._search(self._word(_MIDDLING)),
            "search two words": lambda: self._search(f"{self._word(_COMMON)} {self._word(_COMMON)}"),
            "search a beginning": lambda: self._search(self._word(_COMMON_LONG)[:3]),
            "append": self._append,
        }

    def _list(self, after: Place | None) -> Call:
        return lambda: self._conversations.page(self._owner, limit=LIST_PAGE, after=after)

    def _deep_place(self) -> Place:
        # In the second half, with a whole page behind it.
        last = len(self._places) - LIST_PAGE - 1
        return self._places[self._random.randint(min(last, len(self._places) // 2), last)]

    def _open(self, conversation_id: UUID) -> Call:
        return lambda: self._threads.page(self._owner, conversation_id, limit=OPEN_PAGE, is_rendered=True)

    def _search(self, wanted: str) -> Call:
        return lambda: self._conversations.search(self._owner, wanted, limit=SEARCH_PAGE)

    def _word(self, ranks: Sequence[int]) -> str:
        return self._filled.words[self._random.choice(ranks)]

    def _append(self) -> Call:
        found = self._conversations.get(self._owner, self._random.choice(self._places).id).conversation
        question = self._say()
        asked = StoredQuestion(conversation_id=found.id, parent_id=found.head_id, text=question)
        text = self._say()

        def call() -> None:
            opening = self._writer.begin(self._owner, asked, model="gpt-4o", notices=(), context={})
            run = LiveRun(opening, _never_begins, self._writer.end, owner_id=self._owner.owner_id)
            run.add_text(text)
            assert self._writer.end(run, _OUTCOME), "the database took it"

        return call

    def _say(self) -> str:
        return " ".join(self._random.choices(self._filled.words[:2000], k=50))


def _never_begins(_: Tell) -> Prepared:
    raise AssertionError("nothing is asked of a model here")


_OUTCOME = Outcome(
    state="complete",
    finish_reason="stop",
    error=None,
    model="gpt-4o",
    usage=_USAGE,
    elapsed_ms=2100.0,
    first_token_ms=320.0,
    context={},
    notices=(),
)
