"""The growing text of an answer and its readers: nobody misses anything, whenever they come and however slow."""

from itertools import pairwise
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from chatapp.core.events import Block
from chatapp.services.rendering import render
from chatapp.services.runs import Feed, Opening, Outcome

MARKDOWN = "# Tides\n\nTwice *a* day.\n\n- high\n- low\n- **very** low\n\n```python\nprint(1)\n```\n\nEnd é 🌊.\n"


def opening() -> Opening:
    return Opening(
        run_id=UUID(int=1),
        conversation_id=UUID(int=2),
        question_id=UUID(int=3),
        title="Tides",
        model="demo",
        notices=(),
        context={},
    )


def outcome(feed: Feed) -> Outcome:
    html, is_other = feed.html()
    return Outcome(
        state="complete",
        finish_reason="stop",
        error=None,
        model="demo",
        usage=None,
        elapsed_ms=1.0,
        first_token_ms=1.0,
        context={},
        notices=(),
        html=html,
        is_html_other=is_other,
    )


class Screen:
    """A reader that keeps what a page would show; it takes `patience` pushes at a time and then falls behind."""

    def __init__(self, feed: Feed, *, wants_html: bool = True, patience: int = 1000) -> None:
        self.wants_html = wants_html
        self.text = self.rest = ""
        self.blocks: list[str] = []
        self.is_awake = False
        self._feed = feed
        self._patience = self._left = patience
        self._position = self._version = 0

    def push_text(self, text: str, position: int) -> bool:
        self._show_text(text, position)
        return self._tire()

    def push_block(self, block: Block, version: int) -> bool:
        self._version = version
        self._show_block(block)
        return self._tire()

    def push_stage(self, stage: str) -> bool:
        return self._tire()

    def wake(self) -> None:
        self.is_awake = True

    def catch_up(self) -> None:
        """Take the news, then be pushed to."""
        self._feed.leave(self)
        news = self._feed.news(self._position, self._version, with_blocks=self.wants_html)
        if news.text:
            self._show_text(news.text, news.position)
        self._version = news.version
        for block in news.blocks:
            self._show_block(block)
        self._left = self._patience
        self._feed.follow(self)

    @property
    def html(self) -> str:
        return "".join(self.blocks)

    def _show_text(self, text: str, position: int) -> None:
        self.text += text
        self.rest += text
        self._position = position

    def _show_block(self, block: Block) -> None:
        self.blocks[block.index :] = [block.html]
        self.rest = block.rest

    def _tire(self) -> bool:
        self._left -= 1
        return self._left > 0


@settings(max_examples=40)
@given(
    cuts=st.lists(st.integers(0, len(MARKDOWN)), max_size=30),
    arrivals=st.lists(st.integers(0, 30), min_size=1, max_size=4),
    patience=st.integers(1, 8),
)
def test_every_reader_ends_with_the_same(cuts: list[int], arrivals: list[int], patience: int) -> None:
    """Whenever it came, and whether it was pushed to or had to catch up."""
    feed = Feed(opening())
    places = [0, *sorted(cuts), len(MARKDOWN)]
    screens: list[Screen] = []
    for step, (start, end) in enumerate(pairwise(places)):
        for _ in range(arrivals.count(step)):
            screens.append(Screen(feed, patience=patience + len(screens)))
            screens[-1].catch_up()
        if start < end:
            feed.add_text(MARKDOWN[start:end])
        for screen in screens:
            if screen not in feed._readers:
                screen.catch_up()
    late = Screen(feed)
    late.catch_up()
    feed.close_blocks()
    feed.end(outcome(feed))

    for screen in [*screens, late]:
        screen.catch_up()
        assert screen.text == MARKDOWN
        assert screen.html == render(MARKDOWN)
        assert screen.rest.strip() == ""


def test_nothing_is_rendered_for_readers_of_text() -> None:
    """Rendering costs more than all the rest, and most programs do not want it."""
    feed = Feed(opening())
    screen = Screen(feed, wants_html=False)
    screen.catch_up()

    feed.add_text(MARKDOWN)
    feed.end(outcome(feed))

    assert screen.is_awake

    assert screen.text == MARKDOWN
    assert screen.blocks == []
    assert feed.html() == (None, False)


def test_a_reader_that_falls_behind_at_a_stage_is_pushed_to_no_more() -> None:
    """What its socket did not take has to go out before anything else."""
    feed = Feed(opening())
    screen = Screen(feed, patience=1)
    screen.catch_up()

    feed.tell_stage("summarising")
    feed.add_text("One.")

    assert screen.text == ""


def test_a_rest_in_the_middle_of_a_block_is_whole() -> None:
    """A reader puts the rest of the last block in the place of all text that is in no block."""
    feed = Feed(opening())
    early = Screen(feed)
    early.catch_up()
    for piece in ("One.\n\nTw", "o, and ", "more"):
        feed.add_text(piece)

    late = Screen(feed)
    late.catch_up()

    assert late.rest == early.rest == "Two, and more"
    assert late.blocks == early.blocks


def test_what_is_over_comes_with_its_rendering() -> None:
    """It is not rendered again for everybody who opens the conversation."""
    feed = Feed(opening(), MARKDOWN)
    feed.outcome = Outcome(
        state="complete",
        finish_reason="stop",
        error=None,
        model="demo",
        usage=None,
        elapsed_ms=None,
        first_token_ms=None,
        context={},
        notices=(),
        html="<p>kept</p>",
        is_html_other=True,
    )

    news = feed.news(0, 0, with_blocks=True)

    assert (news.text, news.blocks) == (MARKDOWN, ())
