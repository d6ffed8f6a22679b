"""What a message asks to remember."""

import pytest

from chatapp.core.memory import MAX_FACT_CHARS, fact_in, is_same, memory_section, newest_that_fit


@pytest.mark.parametrize(
    ("message", "fact"),
    [
        ("Remember that I am vegan.", "I am vegan."),
        ("remember that my dog is called Rex", "My dog is called Rex"),
        ("Remember: answers in metres", "Answers in metres"),
        ("Please remember that I live in Ghent.", "I live in Ghent."),
        ("please, remember that: no sugar", "No sugar"),
        ("  REMEMBER THAT\tI type  with one hand ", "I type with one hand"),
        ("Remember that I am vegan.\n\nWhat can I cook?", "I am vegan."),
        ("Remember that I live in St. Gallen. Where can I swim?", "I live in St. Gallen."),
        ("Remember that été is my cat. She is 3.", "Été is my cat. She is 3."),
        ("Remember that …", None),
        ("Remember that", None),
        ("Remember:", None),
        ("Remember that film?", None),
        ("Do you remember that I am vegan?", None),
        ("I remember that day.", None),
        ("Remembering that is hard.", None),
        ("Remember thatcher", None),
        ("Remember me", None),
        ("Please", None),
        ("", None),
        ("Remember that " + "x" * MAX_FACT_CHARS, "X" + "x" * (MAX_FACT_CHARS - 1)),
        ("Remember that " + "x" * (MAX_FACT_CHARS + 1), None),
    ],
)
def test_a_message_that_asks_for_it_holds_a_fact(message: str, fact: str | None) -> None:
    """Only one that begins so: nothing is to be kept by accident."""
    assert fact_in(message) == fact


@pytest.mark.parametrize(("other", "expected"), [("i am VEGAN", True), ("I am vegan!", True), ("I am a vegan", False)])
def test_the_same_fact_is_not_kept_twice(other: str, expected: bool) -> None:
    """Each costs tokens in every conversation."""
    assert is_same("I am vegan.", other) is expected


def test_the_newest_facts_are_told_when_not_all_fit() -> None:
    """As in a conversation."""
    facts = ["one", "two", "three"]

    assert newest_that_fit(facts, limit=len(memory_section(facts)), count=len) == facts
    assert newest_that_fit(facts, limit=len(memory_section(["two", "three"])), count=len) == ["two", "three"]
    assert newest_that_fit(facts, limit=0, count=len) == []
    assert memory_section([]) == ""
