"""Counting tokens offline with the rank files that are part of the package."""

import hashlib
from binascii import a2b_base64
from functools import cache
from pathlib import Path
from types import FunctionType

import tiktoken
from tiktoken_ext import openai_public

from chatapp.core.models import DEFAULT_ENCODING

RANKS = Path(__file__).resolve().parent.parent / "data" / "tiktoken"

# File name (tiktoken's own) and SHA-256. Source: tiktoken 0.14.0, tiktoken_ext/openai_public.py.
RANK_FILES = {
    "o200k_base": (
        "fb374d419588a4632f3f557e76b4b70aebbca790",
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    ),
    "cl100k_base": (
        "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    ),
}

# Longer texts are counted in pieces: tiktoken's regular expression gives up on very long runs of one kind.
PIECE_CHARS = 20_000


class RankFileError(Exception):
    """A rank file of the package is missing or damaged."""


class TiktokenCounter:
    """Counts tokens as OpenAI's models do; for other models the count is an estimate."""

    def load(self, encoding: str) -> None:
        """Load an encoding now rather than at its first use, so that worker processes share its memory.

        Cost: about 0.2 s and 50 MB for `o200k_base`, half of that for `cl100k_base`. Raises: `RankFileError`.
        """
        _encoding(encoding)

    def count(self, text: str, encoding: str = DEFAULT_ENCODING) -> int:
        """Return the tokens of `text`; special-token spellings count as the plain text that they are.

        Cost: about 36 µs per KB. A text of several pieces counts up to one token too many per 20,000 characters.
        """
        encode = _encoding(encoding).encode_ordinary
        if len(text) <= PIECE_CHARS:
            return len(encode(text))
        return sum(len(encode(text[at : at + PIECE_CHARS])) for at in range(0, len(text), PIECE_CHARS))


@cache
def _encoding(name: str) -> tiktoken.Encoding:
    name = name if name in RANK_FILES else DEFAULT_ENCODING
    file_name, sha256 = RANK_FILES[name]
    path = RANKS / file_name
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise RankFileError(f"The rank file of {name} ({path.name}) is missing or damaged; install the package again.")
    # tiktoken's own definition of the encoding, but with ranks from our file: its loader is slower, deletes a file
    # that it finds damaged and asks the network for another.
    define: FunctionType = openai_public.ENCODING_CONSTRUCTORS[name]
    ranks = _ranks(content)
    ours = FunctionType(define.__code__, {**define.__globals__, "load_tiktoken_bpe": lambda *_, **__: ranks})
    encoding = tiktoken.Encoding(**ours())
    # What it was made from is 20 MB of Python objects that counting never looks at.
    ranks.clear()
    return encoding


def _ranks(content: bytes) -> dict[bytes, int]:
    """Read a rank file: lines of a token in base64 and its rank, in the order of the ranks."""
    fields = content.split()
    return dict(zip(map(a2b_base64, fields[::2]), map(int, fields[1::2]), strict=True))
