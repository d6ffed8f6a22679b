"""What the demo does besides looking things up: plain text matching, tried in order.

Each rule takes the question and returns an answer in Markdown, or None when the question is not for it.
Every pattern here runs in linear time; questions are bounded before they come here.
"""

import re
from collections.abc import Callable

from chatapp.providers.demo.arithmetic import NoResult, NotASum, evaluate, find_sum
from chatapp.providers.demo.exhibits import show_samples, speak_languages, write_at_length
from chatapp.providers.demo.question import EDGES, Question
from chatapp.providers.demo.samples import languages, talk
from chatapp.providers.demo.vocabulary import vocabulary

Rule = Callable[[Question], str | None]

_COUNT = re.compile(r"\bcount (?:down |up )?(?:from (\d{1,12}) )?(?:down |up )?(?:to|till|until) (\d{1,12})\b")
_COUNT_DOWN = re.compile(r"\bcount down from (\d{1,12})$")
_HIGHEST = 1_000_000
_MOST_NUMBERS = 1_000
_ECHO = re.compile(r"(?:please )?(?:echo|repeat after me|repeat|say exactly)[:,]?\s+(\S.*)", re.IGNORECASE | re.DOTALL)
_SAY = re.compile(r"(?:please )?say:?\s+[\"“'](.{1,500})[\"”']\W{0,3}", re.IGNORECASE | re.DOTALL)
_SUMMING_UP = ("summarise", "summarize", "summary", "recap", "what", "remember")


def add_up(question: Question) -> str | None:
    expression = find_sum(question.text)
    if expression is None:
        return None
    try:
        value = evaluate(expression)
    except NotASum:
        return None
    except NoResult as exc:
        return f"`{expression}`: {exc}"
    about = value.removeprefix("about ")
    return f"`{expression}` = **{value}**" if about == value else f"`{expression}` is about **{about}**"


def count_up(question: Question) -> str | None:
    if down := _COUNT_DOWN.search(question.line):
        start, end = int(down[1]), 0
    elif match := _COUNT.search(question.line):
        start, end = int(match[1] or 1), int(match[2])
    else:
        return None
    if max(start, end) > _HIGHEST:
        return f"I only count as far as {_HIGHEST:,}."
    step = 1 if end >= start else -1
    numbers = range(start, end + step, step)
    counted = ", ".join(str(number) for number in numbers[:_MOST_NUMBERS])
    return counted if len(numbers) <= _MOST_NUMBERS else f"{counted} … and so on to {end:,}; I stop here."


def echo(question: Question) -> str | None:
    match = _SAY.fullmatch(question.text) or _ECHO.fullmatch(question.text)
    if match is None or question.says(("your answer", "the answer", "last answer", "repeat that", "repeat it")):
        return None
    return match[1]


def look_back(question: Question) -> str | None:
    """Answer questions about the conversation itself."""
    phrases = vocabulary().phrases
    asks_for_question = question.says(phrases.own_words)
    asks_for_answer = question.says(phrases.own_answer)
    asks_for_all = question.says(phrases.conversation) and question.has(_SUMMING_UP)
    if not (asks_for_question or asks_for_answer or asks_for_all):
        return None
    role = "assistant" if asks_for_answer else "user"
    said = [message.text for message in question.earlier if message.role == role]
    if not said:
        return talk()["Nothing before"]
    if asks_for_answer:
        return said[-1]
    if asks_for_all:
        return "\n".join(["So far you asked:\n", *(f"{n}. {_shortened(text)}" for n, text in enumerate(said, 1))])
    if question.has(("first", "begin", "beginning", "initially")):
        return f"Your first message was:\n\n> {_shortened(said[0])}"
    return f"Before this you said:\n\n> {_shortened(said[-1])}"


def small_talk(question: Question) -> str | None:
    words = question.words
    if question.line in ("ping", "test", "testing"):
        return talk()["Ping"]
    if question.says(vocabulary().phrases.wellbeing) and len(words) <= 8:
        return talk()["Wellbeing"]
    if len(words) > 6:
        return None
    if question.has(("thanks", "thank", "thx", "cheers")):
        return talk()["Thanks"]
    if question.has(("bye", "goodbye")) or question.line in ("see you", "good night"):
        return talk()["Goodbye"]
    return None


def greet(question: Question) -> str | None:
    """Answer a greeting in its own language; one that goes on with a question is left to the others."""
    if not question.words or len(question.words) > 4:
        return None
    words = vocabulary()
    is_english = question.first_word in words.greeting or question.line.startswith(words.phrases.greeting)
    if is_english and len(question.words) <= 3:
        return talk()["Hello"]
    first = question.line.split()[0].strip(EDGES)
    for language in languages():
        if first in language.first:
            return f"{language.hello} {language.intro}\n\n{talk()['Hello'].partition('! ')[2]}"
    return None


def introduce(question: Question) -> str | None:
    return talk()["Identity"] if question.says(vocabulary().phrases.identity) else None


def list_abilities(question: Question) -> str | None:
    is_bare = question.line in ("help", "help me", "commands", "examples", "")
    return talk()["Abilities"] if is_bare or question.says(vocabulary().phrases.abilities) else None


RULES: tuple[Rule, ...] = (
    add_up,
    count_up,
    look_back,
    echo,
    introduce,
    list_abilities,
    write_at_length,
    speak_languages,
    show_samples,
    small_talk,
    greet,
)


def _shortened(text: str) -> str:
    flat = " ".join(text[:1_000].split())
    return flat if len(flat) <= 200 else flat[:199] + "…"
