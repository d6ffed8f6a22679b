"""The last gate: what no rule of ours meant to write never reaches a page."""

import nh3
from pygments.token import STANDARD_TYPES

_MATH_TAGS = frozenset(
    """math menclose merror mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow ms mspace msqrt
    mstyle msub msubsup msup mtable mtd mtext mtr munder munderover none semantics""".split()  # noqa: SIM905
)
_MATH_ATTRIBUTES = frozenset(
    """accent accentunder columnalign columnlines columnspan columnspacing depth dir display displaystyle fence form
    height largeop linethickness lspace mathvariant maxsize minsize movablelimits notation rowlines rowspan rowspacing
    rspace scriptlevel separator stretchy symmetric voffset width""".split()  # noqa: SIM905
)
_TAGS = frozenset(
    """a blockquote br code div em h3 h4 h5 h6 hr input li ol p pre s section span strong sup table tbody td th thead
    tr ul""".split()  # noqa: SIM905
)
_AUTO = {"dir": {"auto"}}
_FOOTNOTE = "#fn-"

_CLEANER = nh3.Cleaner(
    tags=_TAGS | _MATH_TAGS,
    clean_content_tags={"script", "style"},
    attributes={
        "a": {"aria-label", "href", "id"},
        "code": {"dir"},
        "div": {"aria-label", "data-language"},
        "input": {"aria-label", "checked", "disabled"},
        "li": {"id"},
        "ol": {"start"},
        "section": {"aria-label"},
        **{tag: set(_MATH_ATTRIBUTES) for tag in _MATH_TAGS},
    },
    tag_attribute_values={
        "a": {"target": {"_blank"}},
        **dict.fromkeys(("blockquote", "h3", "h4", "h5", "h6", "li", "p", "td"), _AUTO),
        "div": {"dir": {"auto", "ltr"}, "role": {"region"}, "tabindex": {"0"}},
        "input": {"type": {"checkbox"}},
        "pre": {"dir": {"ltr"}, "tabindex": {"0"}},
        "th": {"dir": {"auto"}, "scope": {"col"}},
    },
    allowed_classes={
        "a": {"footnote-back", "image-link"},
        "code": {"math-source"},
        "div": {
            "code-block",
            "code-block__head",
            "markdown-alert",
            "markdown-alert-caution",
            "markdown-alert-important",
            "markdown-alert-note",
            "markdown-alert-tip",
            "markdown-alert-warning",
            "math-block",
            "table-scroll",
        },
        "li": {"task-list-item"},
        "p": {"markdown-alert-title", "plain-text"},
        "section": {"footnotes"},
        "span": {"code-block__language", *filter(None, STANDARD_TYPES.values())},
        "sup": {"footnote-ref"},
        "td": {"align-center", "align-left", "align-right"},
        "th": {"align-center", "align-left", "align-right"},
        "ul": {"contains-task-list"},
    },
    link_rel="noopener noreferrer nofollow",
    url_schemes={"http", "https", "mailto"},
    url_relative=lambda url: url if url.startswith(_FOOTNOTE) else None,
)


def clean(html: str) -> str:
    """Return `html` with only the elements, attributes and addresses that an answer may have."""
    return _CLEANER.clean(html)
