"""Where a link may lead, bare addresses in text, and pictures, which are never fetched."""

import re

from markdown_it import MarkdownIt
from markdown_it.common.normalize_url import normalizeLink
from markdown_it.rules_inline import StateInline, image
from markdown_it.token import Token

MAX_ADDRESS_CHARS = 2_000

# No user part (https://bank.example@evil.example) and no shorthand (https:evil.example).
_ADDRESS = re.compile(r"https?://[^\s/?#@\\]+(?:[/?#]\S*)?|mailto:[^\s@?]+@[^\s@?]+(?:\?\S*)?", re.IGNORECASE)
_BARE = re.compile(r"//[^\s<>\"`|\\]{1,2000}")
_SCHEME = re.compile(r"(?<![^\W_])https?$", re.IGNORECASE)
_CLOSERS = {")": "(", "]": "[", "}": "{"}


class AnswerMarkdown(MarkdownIt):
    """A parser that takes only absolute web and mail addresses for links; the rest stays text."""

    def normalizeLink(self, url: str) -> str:
        if len(url) > MAX_ADDRESS_CHARS:
            return ""
        return normalizeLink(url)

    def normalizeLinkText(self, link: str) -> str:
        # Decoding would let %E2%80%AE turn the text around.
        return link

    def validateLink(self, url: str) -> bool:
        return is_linkable(url)


class _AnyAddress(AnswerMarkdown):
    def validateLink(self, url: str) -> bool:
        return True


def use_links(md: MarkdownIt) -> None:
    """Teach `md` bare addresses, and pictures that may name anything because nothing fetches them."""
    md.inline.ruler.after("escape", "bare_address", _bare_address)
    md.inline.ruler.at("image", _image)


def is_linkable(url: str) -> bool:
    """Tell whether `url` may become a link."""
    return len(url) <= MAX_ADDRESS_CHARS and _ADDRESS.fullmatch(url) is not None


def _image(state: StateInline, silent: bool) -> bool:
    strict, state.md = state.md, _any_address(state.md)
    try:
        return image(state, silent)
    finally:
        state.md = strict


def _any_address(md: MarkdownIt) -> MarkdownIt:
    """Return `md` with every address allowed."""
    twin = _AnyAddress.__new__(_AnyAddress)
    twin.__dict__.update(md.__dict__)
    return twin


def _bare_address(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != ":" or state.linkLevel or silent:
        return False
    scheme = _SCHEME.search(state.pending[-6:])
    found = scheme and _BARE.match(state.src, state.pos + 1, state.posMax)
    if not scheme or not found:
        return False
    tail = _without_punctuation(found[0])
    url = f"{scheme[0]}:{tail}"
    href = state.md.normalizeLink(url)
    if not state.md.validateLink(href):
        return False
    state.pending = state.pending[: -len(scheme[0])]
    opening = state.push("link_open", "a", 1)
    opening.attrs = {"href": href}
    state.push("text", "", 0).content = url
    state.push("link_close", "a", -1)
    state.pos += 1 + len(tail)
    return True


def _without_punctuation(address: str) -> str:
    """Leave the full stop of a sentence and a bracket that was opened before the address outside."""
    end = len(address)
    while end:
        last = address[end - 1]
        is_unopened = last in _CLOSERS and address.count(last, 0, end) > address.count(_CLOSERS[last], 0, end)
        if last not in ".,;:!?'*_~" and not is_unopened:
            break
        end -= 1
    return address[:end]


def address_of(token: Token) -> str:
    """Return where a link or a picture leads, or "" if that is nowhere we would send a reader."""
    url = str(token.attrs.get("href") or token.attrs.get("src") or "")
    return url if is_linkable(url) else ""
