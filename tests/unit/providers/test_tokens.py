"""Counting tokens, offline and whatever the text."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tiktoken

from chatapp.config import ROOT
from chatapp.providers import tokens
from chatapp.providers.tokens import PIECE_CHARS, RANK_FILES, RankFileError, TiktokenCounter

PROSE = "The quick brown fox, naïve and 42 years old, jumps over the lazy dog. 狐狸跳过懒狗。🦊\n\n    def f(): pass\n"


@pytest.fixture(scope="module")
def counter() -> TiktokenCounter:
    return TiktokenCounter()


@pytest.fixture(scope="module", params=RANK_FILES)
def reference(request: pytest.FixtureRequest) -> tiktoken.Encoding:
    """An encoding as tiktoken itself loads it, from the package's files, since the network is not asked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIKTOKEN_CACHE_DIR", str(tokens.RANKS))
        return tiktoken.get_encoding(request.param)


@pytest.mark.parametrize("text", ["", "Hi", PROSE, PROSE * 50], ids=["empty", "word", "prose", "pages"])
def test_a_text_has_the_tokens_that_tiktoken_counts(
    counter: TiktokenCounter, reference: tiktoken.Encoding, text: str
) -> None:
    """Our count stands beside the provider's bill."""
    expected = len(reference.encode(text, disallowed_special=()))

    assert counter.count(text, reference.name) == expected


def test_a_long_text_is_counted_in_pieces_nearly_exactly(
    counter: TiktokenCounter, reference: tiktoken.Encoding
) -> None:
    """A cut may split one token in two, no more."""
    text = PROSE * 1000
    whole = len(reference.encode_ordinary(text))

    counted = counter.count(text, reference.name)

    assert whole <= counted <= whole + len(text) // PIECE_CHARS


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("<|endoftext|>", id="control-token"),
        pytest.param("<|im_start|>system", id="chat-token"),
        pytest.param(" " * 1_000_000, id="spaces"),
        pytest.param("\u0301" * 100_000, id="marks"),
        pytest.param("\ud800", id="half-a-surrogate-pair"),
    ],
)
def test_no_text_is_uncountable(counter: TiktokenCounter, text: str) -> None:
    """Whoever can send a text can send this one."""
    assert 0 < counter.count(text) <= 4 * len(text)


def test_spelled_out_control_tokens_are_plain_text(counter: TiktokenCounter) -> None:
    """As one token they would count too little; only the provider may write them."""
    assert counter.count("<|endoftext|>") > 1


def test_an_unknown_encoding_is_estimated(counter: TiktokenCounter) -> None:
    """Local models have tokenizers that nobody can count with here."""
    assert counter.count(PROSE, "own_base") == counter.count(PROSE, "o200k_base")


@pytest.mark.parametrize("damage", ["cut", "missing"])
def test_a_damaged_rank_file_is_refused_and_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    """tiktoken would delete it and ask the network for another."""
    file_name, _ = RANK_FILES["cl100k_base"]
    copy = tmp_path / file_name
    if damage == "cut":
        shutil.copy(tokens.RANKS / file_name, copy)
        copy.write_bytes(copy.read_bytes()[:-100])
    before = sorted(tmp_path.iterdir()), copy.exists() and copy.read_bytes()
    monkeypatch.setattr(tokens, "RANKS", tmp_path)
    tokens._encoding.cache_clear()

    with pytest.raises(RankFileError, match="cl100k_base"):
        TiktokenCounter().load("cl100k_base")

    assert (sorted(tmp_path.iterdir()), copy.exists() and copy.read_bytes()) == before


def test_counting_needs_no_network_and_no_cache(tmp_path: Path) -> None:
    """The first start may be in a place without either."""
    code = (
        "import socket\n"
        "def refuse(*_): raise SystemExit('the network was asked')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from chatapp.providers.tokens import TiktokenCounter\n"
        "print(TiktokenCounter().count('Hello there'), TiktokenCounter().count('Hello there', 'cl100k_base'))\n"
    )
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["2", "2"]
    assert not list(tmp_path.iterdir())
