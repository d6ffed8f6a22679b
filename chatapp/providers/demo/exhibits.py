"""Rules for what the demo shows on request: formatting, code, languages and long texts."""

import re
from collections.abc import Sequence

from chatapp.providers.demo.long_text import write_essay, write_story
from chatapp.providers.demo.question import Question
from chatapp.providers.demo.samples import languages, showcase, talk
from chatapp.providers.demo.vocabulary import vocabulary

_TOUR = ("emphasis", "list", "tasks", "table", "quote", "math", "python", "right-to-left")

_WORD_COUNT = re.compile(r"\b(\d{2,7})[ -]words?\b")
_TOPIC = re.compile(r"\b(?:about|on) (.{1,80})$")
_MOST_WORDS = 5_000
_FORMATTING = re.compile(r"[^\w\s'-]|_")


def show_samples(question: Question) -> str | None:
    """Show the kinds of formatting or the code that the question names."""
    words = vocabulary()
    is_asking = question.first_word in words.asking and not question.has(("show", "write"))
    wants_to_see = (question.has(words.show) and not is_asking) or question.says(words.phrases.example)
    is_bare = len(question.words) <= 3 and not is_asking
    if not (wants_to_see or is_bare) or question.has(words.product):
        return None
    if question.says(words.phrases.everything):
        return _exhibit(_TOUR)
    names = [kind for kind, named in words.kinds.items() if question.has(named)]
    if "tasks" in names and "list" in names:
        names.remove("list")
    names += _code_names(question)
    return _exhibit(names) if names else None


def _code_names(question: Question) -> list[str]:
    words = vocabulary()
    asks_for_code = question.has(words.code)
    if asks_for_code and question.says(words.phrases.many_languages):
        return list(words.code_names)
    named = [name for name, spellings in words.code_names.items() if question.has(spellings)]
    named += [name for name in ("go", "c") if question.says((f"in {name}", f"{name} code", f"{name} program"))]
    return named or (["python"] if asks_for_code else [])


def _exhibit(names: Sequence[str]) -> str:
    parts = [showcase()[name] for name in names]
    if any(name in vocabulary().code_names for name in names) or len(names) > 1:
        parts.append(talk()["Sample"])
    return "\n\n".join(parts)


def speak_languages(question: Question) -> str | None:
    """Greet in the languages that the question names, or in all of them; show text that runs from right to left."""
    words = vocabulary()
    is_about_product = question.has(words.product)
    if question.says(words.phrases.right_to_left) and not is_about_product:
        return showcase()["right-to-left"]
    if question.has(words.code) or not (question.has(words.speaking) or len(question.words) <= 3):
        return None
    named = [language for language in languages() if question.has((language.name.lower(), *language.aliases))]
    if not named and question.has(("languages",)) and not question.has(("programming",)) and not is_about_product:
        named = list(languages())
    if not named:
        return None
    if len(named) == 1:
        return f"{named[0].hello} {named[0].intro}\n\n*(More than a greeting I can't say in {named[0].name}.)*"
    return "\n".join(f"- {language.name}: {language.hello} {language.intro}" for language in named)


def write_at_length(question: Question) -> str | None:
    """Write a story or an essay of the length asked for."""
    count = _WORD_COUNT.search(question.line)
    vocab = vocabulary()
    is_asked_for = question.has(vocab.show) or question.has(("tell", "long", "short", "another"))
    has_subject = question.has(vocab.long_kinds) or count is not None
    if not ((is_asked_for and has_subject) or question.says(vocab.phrases.long)):
        return None
    usual = 1_000 if question.has(("long", "lengthy")) else 150 if question.has(("short", "brief")) else 400
    words = min(int(count[1]), _MOST_WORDS) if count else usual
    topic = _TOPIC.search(_WORD_COUNT.sub("", question.line))
    subject = _plain_topic(topic[1]) if topic else ""
    is_story = question.has(vocab.long_kinds - vocab.essay_kinds)
    text = write_story(subject, words=words) if is_story else write_essay(subject, words=words)
    return f"{text}\n\n{talk()['Sample']}"


def _plain_topic(text: str) -> str:
    """Return the topic without what would be read as formatting."""
    return _FORMATTING.sub("", text).strip().removesuffix("please").rstrip().removesuffix(" in")
