"""What the demo answers without documentation: sums, samples, long texts, small talk, and an honest no."""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatapp.core.chat import Message
from chatapp.providers.demo.answering import Answerer
from chatapp.providers.demo.documents import Section
from chatapp.providers.demo.samples import languages, showcase, talk

SECTIONS = (
    Section(
        document="docs/deployment.md",
        title="Containers and Docker",
        parents=("Deployment",),
        body="Set `HOST=0.0.0.0` in a container and publish its port.",
    ),
    Section(
        document="docs/deployment.md",
        title="Put nginx in front",
        parents=("Deployment",),
        body="A proxy such as nginx ends HTTPS. To deploy, copy the site and reload.",
    ),
    Section(
        document="README.md",
        title="Settings",
        parents=("chatapp",),
        body="\n".join(
            ["| Setting | Default | Meaning |", "|:--|:--|:--|"]
            + [f"| `SETTING_{letter}` | {number} | Number {number}. |" for number, letter in enumerate("ABCDEFGHIJ")]
        ),
    ),
)


def ask(*said: str) -> str:
    """Return the answer to the last of `said`; what is said before it is a person and the demo in turn."""
    roles = ("user", "assistant")
    return Answerer(SECTIONS).answer([Message(roles[number % 2], text) for number, text in enumerate(said)])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("question", "result"),
    [
        pytest.param("2+2", "**4**", id="bare"),
        pytest.param("What is 12 * (3 + 4)?", "**84**", id="brackets"),
        pytest.param("what's 7 times 8", "**56**", id="in words"),
        pytest.param("15% of 80", "**12**", id="percent"),
        pytest.param("0.1 + 0.2", "**0.3**", id="exact decimals"),
        pytest.param("-2^2", "**-4**", id="powers bind stronger than signs"),
        pytest.param("2^3^2", "**512**", id="powers bind to the right"),
        pytest.param("10 mod 4", "**2**", id="modulo"),
        pytest.param("1,000 × 1,000", "**1,000,000**", id="thousands"),
        pytest.param("calculate 2 / 3", "about **0.6666666667**", id="rounded and said so"),
        pytest.param("1/0", "Dividing by zero", id="division by zero"),
        pytest.param("0^-1", "Dividing by zero", id="division by zero in disguise"),
        pytest.param("9^9^9^9", "too large", id="a number that would fill the memory"),
        pytest.param("9^600 * 9^600", "too large", id="a product that grows too large"),
        pytest.param("2^0.5", "whole powers", id="a root"),
        pytest.param("(" * 30 + "1+1" + ")" * 30, "nested too deeply", id="nesting"),
    ],
)
def test_sums_are_worked_out_exactly_and_within_bounds(question: str, result: str) -> None:
    """A small parser of our own: text of a person is never evaluated as code, whatever it is."""
    assert result in ask(question)


@pytest.mark.parametrize(
    "question", ["2024", "1 2 3", "(1+2", "1+", "call +1 555 0100", "3 apples + 4", "__import__('os')"]
)
def test_what_only_looks_like_a_sum_is_not_one(question: str) -> None:
    """Wrong sums would be worse than none."""
    assert "= **" not in ask(question)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("count to 5", "1, 2, 3, 4, 5"),
        ("Please count from 3 to 6!", "3, 4, 5, 6"),
        ("count down from 3", "3, 2, 1, 0"),
        ("count from 5 down to 3", "5, 4, 3"),
        ("count to 99999999", "I only count as far as 1,000,000."),
    ],
)
def test_it_counts(question: str, expected: str) -> None:
    """The shortest way to see a stream of a known length."""
    assert ask(question) == expected


def test_counting_far_stops_early_and_says_so() -> None:
    """A number in a question must not decide how much memory it takes."""
    assert ask("count to 1000000").endswith("999, 1000 … and so on to 1,000,000; I stop here.")


@pytest.mark.parametrize(
    ("question", "mark"),
    [
        ("Show me a table", "| Planet |"),
        ("Show me some Python code", "```python"),
        ("show me some code", "```python"),
        ("write a function in Rust", "```rust"),
        ("an example in go please", "```go"),
        ("write me a shell script", "```bash"),
        ("give me a numbered list", "1. **Boil**"),
        ("a checklist please", "- [x] "),
        ("show some math", "$$"),
        ("LaTeX formula", "$$"),
        ("show a quote", "> "),
        ("tell me a joke", "umbrella"),
        ("write a poem", "**Waiting"),
        ("show right-to-left text", "Hebrew"),
    ],
)
def test_formatting_is_shown_on_request(question: str, mark: str) -> None:
    """This is how people see what an answer can look like before they connect a model."""
    assert mark in ask(question)


def test_several_samples_come_in_one_answer() -> None:
    """Nobody should have to ask three times for a tour."""
    answer = ask("show me a table and some math")
    tour = ask("show me everything")

    assert "| Planet |" in answer
    assert "$$" in answer
    assert all(mark in tour for mark in ("| Planet |", "$$", "```python", "- [x]", "> ", "1. "))


def test_code_in_several_languages() -> None:
    """At least the languages whose highlighting people check first."""
    answer = ask("show me code in several languages")

    assert all(f"```{name}\n" in answer for name in ("python", "javascript", "bash", "sql", "html", "rust", "go"))


def test_ready_made_code_is_not_passed_off_as_an_answer() -> None:
    """It was asked for one thing and shows another: that must be said."""
    assert talk()["Sample"] in ask("write a python function that reverses a string")


def test_code_samples_are_closed_blocks() -> None:
    """An open fence would swallow the rest of the page."""
    assert all(text.count("```") % 2 == 0 for text in showcase().values())


@pytest.mark.parametrize(
    ("question", "low", "high"),
    [
        pytest.param("write a long story", 950, 1_150, id="long"),
        pytest.param("tell me a story of 800 words about a lighthouse", 780, 930, id="as many words as asked for"),
        pytest.param("write a short tale", 130, 260, id="short"),
        pytest.param("write an essay with 5000 words", 4_900, 5_500, id="very long"),
        pytest.param("write 9999999 words", 4_900, 5_500, id="bounded"),
    ],
)
def test_long_texts_have_the_length_asked_for(question: str, low: int, high: int) -> None:
    """Scrolling, stopping and long-answer layouts are tried with these."""
    assert low <= len(ask(question).split()) <= high


def test_a_long_story_does_not_repeat_itself_at_once() -> None:
    """Text that repeats is no test for reading, nor for compression or search."""
    sentences = re.split(r"(?<=[.!?\"])\s+", ask("write a long story about rivers"))

    assert len(set(sentences)) > 0.9 * len(sentences)


def test_the_topic_of_a_text_cannot_smuggle_in_formatting() -> None:
    """The topic is a person's text inside a sentence of ours."""
    answer = ask("write a story about <img src=x> [a](javascript:alert(1)) {hero}")

    assert not set("<>[]{}()") & set(answer.replace(talk()["Sample"], ""))


@pytest.mark.parametrize("language", languages(), ids=lambda language: language.name)
def test_greetings_are_answered_in_their_language(language) -> None:  # type: ignore[no-untyped-def]
    """The first word of a visitor may be in any script."""
    assert all(ask(f"{first}!").startswith(language.hello) for first in language.first)
    assert ask(f"say hello in {language.name}").startswith(language.hello)


@pytest.mark.parametrize("question", ["hi", "Hello!", "hey there", "Good morning", "who are you?", "Are you ChatGPT?"])
def test_it_says_plainly_that_it_is_a_demonstration(question: str) -> None:
    """Nobody may take it for a language model."""
    assert "no language model" in ask(question)


def test_it_tells_what_it_can_do() -> None:
    """The first starter of every page asks this."""
    assert ask("What can you do?") == talk()["Abilities"]


@pytest.mark.parametrize(
    "question",
    [
        "What is the capital of France?",
        "Explain quantum entanglement",
        "Who won the world cup in 2018?",
        "Write an email to my boss",
        "How do I cook pasta?",
        "asdfghjkl",
    ],
)
def test_other_questions_get_an_honest_no_and_a_way_on(question: str) -> None:
    """An invented answer would be worse than none; connecting a model is what helps."""
    answer = ask(question)

    assert answer.startswith("I can't answer that: I'm a demonstration without a language model")
    assert "OPENAI_API_KEY" in answer


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param(("What did I say before?",), "nothing to look back on", id="nothing before"),
        pytest.param(("My cat is Mia", "I see", "What did I just say?"), "> My cat is Mia", id="the last message"),
        pytest.param(("one", "1", "two", "2", "What was my first message?"), "> one", id="the first message"),
        pytest.param(("one", "eins", "repeat that"), "eins", id="the last answer"),
        pytest.param(("one", "1", "two", "2", "Summarise our conversation"), "1. one\n2. two", id="all of it"),
    ],
)
def test_it_looks_back_on_the_conversation(said: tuple[str, ...], expected: str) -> None:
    """That the history reaches the provider can be seen without a model."""
    assert expected in ask(*said)


def test_echo_gives_the_text_back() -> None:
    """The simplest way to see how any text is shown."""
    assert ask("echo <b>*hello*</b>") == "<b>*hello*</b>"
    assert ask('say "good evening"') == "good evening"


def test_an_answer_names_the_section_it_comes_from() -> None:
    """So that people can check it and read on."""
    assert ask("How do I deploy behind nginx?").startswith("From *Put nginx in front* in docs/deployment.md:")


def test_a_follow_up_is_understood_from_the_question_before() -> None:
    """People do not repeat themselves."""
    assert ask("How do I deploy it?", "…", "and in a container?").startswith("From *Containers and Docker*")


def test_of_a_long_table_only_the_row_in_question_is_quoted() -> None:
    """Nobody wants forty settings for an answer about one."""
    answer = ask("What does SETTING_C do?")

    assert "| `SETTING_C` | 2 | Number 2. |" in answer
    assert "SETTING_D" not in answer


def test_continue_goes_on_exactly_where_a_cut_answer_ended() -> None:
    """The page offers "Continue" after a cut by the length limit; the two parts must make a whole."""
    question = "write a long story about rivers"
    whole = ask(question)
    first, second = whole[:1_000].rstrip(), whole[1_000:2_000].strip()

    rest = ask(question, first, "Continue exactly where you stopped.")
    last = ask(question, first, "Continue exactly where you stopped.", second, "Continue")

    assert (first + rest).split() == whole.split()
    assert last.split() == whole[2_000:].split() or "".join(whole.split()).endswith("".join(last.split()))


def test_continue_after_a_whole_answer_has_nothing_to_add() -> None:
    """Better than saying it all again."""
    assert ask("count to 3", "1, 2, 3", "continue") == talk()["Nothing more"]


def test_more_gives_the_next_section() -> None:
    """ "Tell me more" is what people say when one passage was not enough."""
    first = ask("deploy with nginx or docker")
    second = ask("deploy with nginx or docker", first, "tell me more")

    assert first.splitlines()[0] != second.splitlines()[0]
    assert second.startswith("From *")


def test_without_documentation_it_says_what_is_missing() -> None:
    """An installation may not carry the documents."""
    answer = Answerer(()).answer([Message("user", "How do I deploy it?")])

    assert answer == talk()["No documents"]


@given(st.text(max_size=3_000) | st.text(alphabet=string.printable, max_size=300))
def test_any_text_gets_an_answer(text: str) -> None:
    """The demo stands on the open internet: no question may break it."""
    assert ask(text)
    assert ask("hello", "hi", text)


@pytest.mark.parametrize(
    "text",
    [
        "a" * 10**6,
        " " * 10**6 + "x",
        "1+" * 10**5,
        "(" * 199,
        "count " * 10**5,
        'say "' * 10**5,
        "_a" * 10**5,
        "```\n" * 10**5,
    ],
    ids=["one word", "spaces", "sum", "brackets", "count", "quotes", "names", "fences"],
)
def test_huge_questions_are_read_only_at_their_beginning(text: str) -> None:
    """What a question costs is bounded: the answer to a longer one does not change any more."""
    assert ask(text) == ask(text.strip()[:2_000])
