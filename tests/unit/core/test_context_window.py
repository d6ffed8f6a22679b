"""What of a conversation is sent to the model."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chatapp.core.chat import Message
from chatapp.core.context_window import Fitted, answer_room, count_prompt, fit
from chatapp.errors import PayloadTooLarge

# One character is one token: sizes can be read off the texts.
COUNT = len

messages_of_any_kind = st.lists(
    st.builds(Message, st.sampled_from(["system", "user", "assistant"]), st.text("ab", max_size=60)), max_size=12
)


def conversation(*turns: str) -> list[Message]:
    """Shape: "u:text" is a person's message, "a:text" an answer, "s:text" a system message."""
    roles = {"u": "user", "a": "assistant", "s": "system"}
    return [Message(roles[turn[0]], turn[2:]) for turn in turns]


@pytest.mark.parametrize(
    ("window", "turns", "kept", "omitted"),
    [
        pytest.param(100, ["u:hi", "a:ho", "u:hm"], ["hi", "ho", "hm"], 0, id="all-fit"),
        pytest.param(60, ["u:" + "x" * 30, "a:ho", "u:hm"], ["hm"], 2, id="an-answer-to-nothing-goes-too"),
        pytest.param(60, ["s:be kind", "u:" + "x" * 30, "a:ho", "u:hm"], ["be kind", "hm"], 2, id="system-stays"),
        pytest.param(60, ["u:" + "x" * 30, "a:ho", "u:1", "a:2", "u:3"], ["1", "2", "3"], 2, id="newest-stay"),
        pytest.param(60, ["u:1", "a:" + "x" * 30, "u:2", "u:3"], ["2", "3"], 2, id="no-gap-in-the-middle"),
        pytest.param(100, ["a:hello", "u:hm"], ["hello", "hm"], 0, id="a-greeting-is-no-orphan"),
    ],
)
def test_the_newest_messages_that_fit_are_kept(window: int, turns: list[str], kept: list[str], omitted: int) -> None:
    """People read in the documentation which messages the model saw."""
    fitted = fit(conversation(*turns), window=window, max_tokens=None, count=COUNT)

    assert [message.text for message in fitted.messages] == kept
    assert fitted.omitted == omitted


@given(messages_of_any_kind, st.text("ab", max_size=40), st.integers(10, 400), st.none() | st.integers(1, 100))
def test_whatever_is_sent_fits_and_is_in_order(
    before: list[Message], last: str, window: int, max_tokens: int | None
) -> None:
    """A prompt over the window is refused by the provider, after the reader has waited for it."""
    messages = [*before, Message("user", last)]
    must_stay = [message for message in messages[:-1] if message.role == "system"] + [messages[-1]]
    if count_prompt(must_stay, COUNT) + answer_room(window, max_tokens) > window:
        with pytest.raises(PayloadTooLarge) as caught:
            fit(messages, window=window, max_tokens=max_tokens, count=COUNT)
        assert caught.value.code == "context_too_long"
        return

    fitted = fit(messages, window=window, max_tokens=max_tokens, count=COUNT)

    assert count_prompt(fitted.messages, COUNT) + answer_room(window, max_tokens) <= window
    assert fitted.omitted == len(messages) - len(fitted.messages)
    assert fitted.messages[-1] is messages[-1]
    assert [message for message in messages if message.role == "system"] == [
        message for message in fitted.messages if message.role == "system"
    ]
    places = [next(i for i, message in enumerate(messages) if message is kept) for kept in fitted.messages]
    assert places == sorted(set(places))
    if fitted.omitted:
        spoken = [message.role for message in fitted.messages if message.role != "system"]
        assert spoken[0] == "user"


@given(messages_of_any_kind, st.integers(10, 400))
def test_no_message_is_left_out_without_need(before: list[Message], window: int) -> None:
    """Memory that the model could have had is memory the person paid for."""
    messages = [*before, Message("user", "x")]
    assume(count_prompt(messages, COUNT) + answer_room(window, None) <= window)

    assert fit(messages, window=window, max_tokens=None, count=COUNT) == Fitted(tuple(messages), 0)


def test_an_unknown_window_takes_everything_uncounted() -> None:
    """A local model's window is often unknown; guessing one would forget what it could have read."""

    def count(text: str) -> int:
        raise AssertionError("nothing is to be counted")

    messages = conversation("u:" + "x" * 1_000_000, "a:b", "u:c")

    assert fit(messages, window=None, max_tokens=None, count=count).messages == tuple(messages)


def test_a_short_conversation_is_not_counted() -> None:
    """Counting costs more than the rest of a short request; a token is never longer than its bytes."""

    def count(text: str) -> int:
        raise AssertionError("nothing is to be counted")

    assert fit(conversation("u:hi"), window=128_000, max_tokens=None, count=count).omitted == 0


@pytest.mark.parametrize(
    ("window", "max_tokens", "room"),
    [(8192, None, 2048), (128_000, None, 4096), (128_000, 100, 100), (4, None, 1), (100, 5000, 50)],
)
def test_room_is_kept_for_the_answer(window: int, max_tokens: int | None, room: int) -> None:
    """A prompt that fills the window leaves nothing to answer in."""
    assert answer_room(window, max_tokens) == room
