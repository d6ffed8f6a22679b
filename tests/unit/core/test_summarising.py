"""A transcript in pieces that fit, and a summary that does."""

from hypothesis import given
from hypothesis import strategies as st

from chatapp.core.summarising import TOKENS_PER_BREAK, Line, pieces_of, trimmed

lines_of_any_kind = st.lists(st.builds(Line, st.sampled_from(["user", "assistant"]), st.text("ab ", max_size=90)))


@given(lines_of_any_kind, st.integers(15, 200))
def test_pieces_hold_everything_once_and_fit(lines: list[Line], limit: int) -> None:
    """A piece that does not fit is refused, and with it the whole summary; what is missing is forgotten."""
    pieces = list(pieces_of(lines, limit=limit, count=len))

    assert all(len(piece.transcript) <= limit for piece in pieces)
    told = ""
    for piece in pieces:
        told += piece.transcript.replace("\n\n", "")
        if piece.is_line_end:
            assert told == "".join(str(line) for line in lines[: piece.lines])
    assert not lines or (pieces[-1].lines, pieces[-1].is_line_end) == (len(lines), True)


def test_a_piece_ends_with_a_line_where_it_can() -> None:
    """Only such a summary can be kept, since it stands for whole messages."""
    lines = [Line("user", "x" * 20), Line("assistant", "y" * 100), Line("user", "z")]
    size = len(str(lines[0])) + TOKENS_PER_BREAK

    pieces = [(piece.lines, piece.is_line_end) for piece in pieces_of(lines, limit=size + 40, count=len)]

    assert pieces == [(1, True), (1, False), (3, True)]


def test_a_summary_that_is_too_long_is_cut() -> None:
    """Some models do not count their words, and a summary must leave room for the conversation."""
    assert trimmed("  short  ", 10, len) == "short"
    assert trimmed("x" * 100, 10, len) == "x" * 9
    assert trimmed("x", 0, len) == ""
