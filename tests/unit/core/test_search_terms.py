"""Words as the search knows them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatapp.core import search_terms
from chatapp.core.search_terms import Part, fold, marked, query_of, snippet_of, terms_of


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        pytest.param("Café CRÈME", ["cafe", "creme"], id="accents-and-case"),
        pytest.param("cafe\u0301", ["cafe"], id="accent-apart"),
        pytest.param("don't snake_case e-mail", ["don", "t", "snake", "case", "e", "mail"], id="punctuation"),
        pytest.param("Straße ΣΊΣΥΦΟΣ İstanbul ﬁne Ⅻ", ["strasse", "σισυφοσ", "istanbul", "fine", "xii"], id="letters"),
        pytest.param("Acme™ x² ½", ["acme", "x2", "1", "2"], id="compatible-characters"),
        pytest.param("東京へ", ["東", "京", "へ", "東京", "京へ"], id="unspaced-script"),
        pytest.param("iPhone東京2", ["iphone", "東", "京", "東京", "2"], id="mixed-scripts"),
        pytest.param("ガｶﾞ", ["カ", "カカ"], id="kana-widths"),
        pytest.param("में हिन्दी", ["में", "हिनदी"], id="vowel-signs"),
        pytest.param("go Go GO", ["go"], id="each-word-once"),
        pytest.param("🎉 … — \x00 ؟", [], id="no-words"),
        pytest.param("x" * 50, ["x" * 40], id="long-word"),
    ],
)
def test_a_text_gives_the_words_it_is_found_by(text: str, terms: list[str]) -> None:
    """However people type them."""
    assert terms_of(text) == terms


def test_a_text_gives_only_so_many_words() -> None:
    """A row of the index has limits on both databases."""
    assert len(terms_of(" ".join(map(str, range(30_000))))) == search_terms.MAX_WORDS
    assert sum(map(len, terms_of(" ".join(f"{n:040}" for n in range(10_000))))) <= search_terms.MAX_CHARS


@given(st.text())
def test_folding_what_is_folded_changes_nothing(text: str) -> None:
    """Else a text would not be found by its own words."""
    folded = fold(text)

    assert fold(folded).split() == folded.split()
    assert all(word.isalnum() or not word.isascii() for word in terms_of(text))


@given(st.text())
def test_words_do_not_depend_on_their_neighbours(text: str) -> None:
    """A snippet is marked word by word, so each must fold as it does in its text."""
    whole = set(terms_of(text))
    by_piece = {term for piece in text.split() for term in terms_of(piece)}

    assert by_piece == whole


@pytest.mark.parametrize(
    ("text", "words", "prefix"),
    [
        pytest.param("Crème brû", ("creme",), "bru", id="last-is-a-beginning"),
        pytest.param("cafe cafe x", ("cafe",), "x", id="each-word-once"),
        pytest.param("東京タ", ("東京", "京タ"), "", id="pairs"),
        pytest.param("東", ("東",), "", id="single-character"),
        pytest.param("東京 tow", ("東京",), "tow", id="mixed"),
        pytest.param(" .,- ", (), "", id="nothing"),
        pytest.param(" ".join("abcdefghijklmnopqrstuvwxyz"), tuple("abcdefghijklmno"), "p", id="too-many"),
    ],
)
def test_what_is_looked_for_is_read_as_people_mean_it(text: str, words: tuple[str, ...], prefix: str) -> None:
    """While they are still typing."""
    query = query_of(text)

    assert (query.words, query.prefix) == (words, prefix)
    assert query.is_empty == (not words and not prefix)


def told(parts: list[Part]) -> str:
    """The parts as one text, with matches in brackets."""
    return "".join(f"[{part.text}]" if part.match else part.text for part in parts)


@pytest.mark.parametrize(
    ("text", "wanted", "shown"),
    [
        pytest.param("In the Café  de\nFlore", "cafe fl", "In the [Café] de [Flore]", id="accents-and-spaces"),
        pytest.param("東京タワーへ行く。タワー", "東京タワー", "[東京タワー]へ行く。タワー", id="unspaced-script"),
        pytest.param("ガギ", "カ", "[ガ]ギ", id="one-character"),
        pytest.param("nothing here", "absent", "nothing here", id="no-match"),
        pytest.param("", "x", "", id="empty"),
        pytest.param("e\u0301te\u0301 été", "ete", "[e\u0301te\u0301] [été]", id="both-forms"),
    ],
)
def test_matches_are_marked_in_the_text_as_it_is_written(text: str, wanted: str, shown: str) -> None:
    """Nobody wants to read folded words."""
    assert told(marked(text, query_of(wanted))) == " ".join(shown.split())
    assert told(snippet_of(text, query_of(wanted))) == " ".join(shown.split())


def test_a_snippet_is_taken_from_where_most_is_said() -> None:
    """The first word alone may stand anywhere."""
    text = "Coffee is a drink. " * 30 + "The coffee from Kenya has won. " + "Tea is another. " * 30

    shown = told(snippet_of(text, query_of("coffee kenya")))

    assert "The [coffee] from [Kenya] has won." in shown
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert len(shown) < 200


@given(st.text(alphabet="ab é東京\n.-", max_size=400), st.text(alphabet="abe東京 ", max_size=6))
def test_a_snippet_is_part_of_its_text(text: str, wanted: str) -> None:
    """Nothing is added but dots, nothing is doubled; what is marked is what was looked for."""
    parts = snippet_of(text, query_of(wanted))

    plain = "".join(part.text for part in parts).strip("…")
    assert plain in " ".join(f".{text}.".split()).replace(" ", " ") or plain.strip() in " ".join(text.split())
    assert len(plain) <= 2 * search_terms.SNIPPET_CHARS
    assert all(set(terms_of(part.text)) for part in parts if part.match)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a" + "\u0316\u0301" * 100_000, id="accents"),
        pytest.param("東" * 200_000, id="one-long-run"),
        pytest.param("ﷺ" * 50_000, id="expanding"),
    ],
)
def test_hostile_texts_are_no_burden(text: str) -> None:
    """They are folded while others wait; the limit for a whole test catches what is not linear."""
    assert len(terms_of(text)) <= search_terms.MAX_WORDS
    assert snippet_of(text, query_of("東東東x a"))
