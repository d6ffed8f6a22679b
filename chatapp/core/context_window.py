"""Fitting a conversation to a model's window."""

from collections.abc import Callable, Sequence

import msgspec

from chatapp.core.chat import Message
from chatapp.errors import PayloadTooLarge

# What the roles and separators around each message cost, and the start of the answer.
# Source: OpenAI cookbook, "How to count tokens with tiktoken".
TOKENS_PER_MESSAGE = 4
TOKENS_PER_ANSWER = 3

# Room kept for the answer when the request does not say how long it may be.
DEFAULT_ANSWER_TOKENS = 4096


class Fitted(msgspec.Struct, frozen=True):
    """The messages that are sent, and how many had to stay behind."""

    messages: tuple[Message, ...]
    omitted: int = 0


def fit(
    messages: Sequence[Message],
    *,
    window: int | None,
    max_tokens: int | None,
    count: Callable[[str], int],
) -> Fitted:
    """Return the messages that fit the window with room for the answer.

    The rule: system messages and the last message always stay; of the others the newest stay, as many as fit, and what
    is left begins with a person's message, never with an answer to something left out.

    Units: `window` and `max_tokens` in tokens; an unknown window fits everything.
    Cost: nothing is counted while the text is too short to overflow, since a token is at least one byte.
    Raises: `PayloadTooLarge` (413 `context_too_long`) when what must stay does not fit.
    """
    messages = tuple(messages)
    if window is None:
        return Fitted(messages)
    room = window - answer_room(window, max_tokens) - TOKENS_PER_ANSWER
    if sum(len(message.text) * 4 + TOKENS_PER_MESSAGE for message in messages) <= room:
        return Fitted(messages)

    def size(message: Message) -> int:
        return count(message.text) + TOKENS_PER_MESSAGE

    is_kept = [message.role == "system" for message in messages]
    is_kept[-1] = True
    room -= sum(size(message) for message, kept in zip(messages, is_kept, strict=True) if kept)
    if room < 0:
        raise PayloadTooLarge("The message is too long for this model.", code="context_too_long")
    for index in range(len(messages) - 2, -1, -1):
        if is_kept[index]:
            continue
        room -= size(messages[index])
        if room < 0:
            break
        is_kept[index] = True
    _drop_leading_answers(messages, is_kept)
    kept = tuple(message for message, stays in zip(messages, is_kept, strict=True) if stays)
    return Fitted(kept, len(messages) - len(kept))


def answer_room(window: int, max_tokens: int | None) -> int:
    """Return how many tokens of the window are kept free for the answer: what was asked for, but at most half."""
    return min(DEFAULT_ANSWER_TOKENS, window // 4) if max_tokens is None else min(max_tokens, window // 2)


def count_prompt(messages: Sequence[Message], count: Callable[[str], int]) -> int:
    """Return the tokens of a whole prompt, as near as counting without the provider comes."""
    return sum(count(message.text) + TOKENS_PER_MESSAGE for message in messages) + TOKENS_PER_ANSWER


def _drop_leading_answers(messages: Sequence[Message], is_kept: list[bool]) -> None:
    was_cut = False
    for index, message in enumerate(messages):
        if message.role == "user" and is_kept[index]:
            return
        was_cut = was_cut or not is_kept[index]
        if message.role == "assistant" and was_cut:
            is_kept[index] = False
