"""A conversation's title, from its first exchange: free and at once, no model is asked."""

import re
import unicodedata
from urllib.parse import urlsplit

MAX_CHARS = 60
NEW_CHAT = "New chat"

# Only the beginning of a text can become a title.
READ_CHARS = 4000

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,}).*?(?:^[ \t]*\1|\Z)", re.MULTILINE | re.DOTALL)
_MARKDOWN = (
    # images and links keep their words
    (re.compile(r"!?\[([^\]\n]{0,300})\]\([^)\n]{0,2000}\)"), r"\1"),
    # headings, quotes, list items, table borders
    (re.compile(r"^[ \t]*(?:#{1,6}[ \t]+|>[ \t]*|[-*+][ \t]+|\d{1,3}[.)][ \t]+|\|[ \t]*)+", re.MULTILINE), ""),
    (re.compile(r"`+"), ""),
    (re.compile(r"(\*\*|__|~~)(?=\S)(.{1,300}?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]{1,300})(?<=\S)\*(?!\w)"), r"\1"),
    (re.compile(r"<[a-zA-Z/!][^<>\n]{0,300}>"), " "),
)
_HEADING = re.compile(r"^[ \t]*#{1,6}[ \t]+(\S.*)$", re.MULTILINE)
_URL = re.compile(r"https?://[^\s<>\"]+")
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n")
_LETTERS = re.compile(r"[^\W_]")

# What one says before saying something, longest first within a language.
_GREETINGS = (
    r"good (?:morning|afternoon|evening|day)|hi there|hello there|hey there|hello|hey|hi|greetings"
    r"|guten (?:morgen|tag|abend)|hallo|moin|servus|bonjour|bonsoir|salut|coucou|hola|buenos d[ií]as|buenas tardes"
    r"|ol[áa]|bom dia|boa tarde|ciao|buongiorno|buonasera|hoi|goedemorgen|hej|czesc|cześć|dzień dobry|merhaba"
    r"|привет|здравствуйте|добрый день|привіт|γεια σου|γεια|مرحبا|السلام عليكم|שלום|नमस्ते"
    r"|你好|您好|こんにちは|안녕하세요"
)
_ASKING = (
    r"(?:can|could|would|will) you(?: please| kindly)?(?: help me(?: to)?| tell me| show me| explain to me)?"
    r"|(?:i would|i'd|i want|i need) (?:like )?(?:you )?to(?: know)?|help me(?: to)?|please|pls|kindly|tell me"
    r"|(?:kannst du|können sie)(?: mir)?(?: bitte)?(?: helfen,?)?|bitte|(?:peux-tu|pouvez-vous)(?: m'aider à| me)?"
    r"|s'il (?:te|vous) pla[iî]t|(?:puedes|podr[ií]as|puede)(?: ayudarme a| decirme)?|por favor|per favore|puoi"
    r"|пожалуйста|будь ласка|помоги(?:те)?(?: мне)?|请问|请|請問|請|お願いします|教えてください"
)
_BEFORE = re.compile(
    rf"^(?:{_GREETINGS}|{_ASKING})(?![^\W_])[\s,.!?:;、，。！？-]*|^(?:你好|您好|请问|请|請問|請)", re.IGNORECASE
)
_AFTER = re.compile(
    r"[\s,.!]+(?:please|pls|thanks(?: a lot| in advance)?|thank you(?: very much| so much)?|thx|bitte|danke(?: schön)?"
    r"|merci(?: beaucoup)?|s'il (?:te|vous) pla[iî]t|gracias|por favor|grazie|obrigad[oa]|спасибо|дякую)"
    r"[.!\s]*(?P<asks>\?)?$",
    re.IGNORECASE,
)
# Said alone, these tell nothing of what a conversation is about.
_EMPTY = re.compile(
    r"(?:help(?: me)?|a question|i have a question|question|test(?:ing)?|yes|no|ok(?:ay)?|sure|of course|certainly"
    r"|continue|go on|more|again|hello|hi|hey|why|what|how|who|hmm+|uh+|lol|thanks|thank you|how are you|what's up|sup"
    r"|hilfe|hilf mir|frage|ja|nein|weiter|aide(?:-moi)?|oui|non|suite|ayuda|ayúdame|s[ií]|aiuto|помощь|помоги|да|нет"
    r"|допоможи|帮助|帮我|謝謝|谢谢|助けて)",
    re.IGNORECASE,
)


def title_of(question: str, answer: str) -> str:
    """Return a title of at most `MAX_CHARS` characters, never empty.

    It is what the question begins with, without greetings; the answer's heading or first sentence where the question
    says too little.
    """
    asked = _first_telling(question)
    if asked:
        return asked
    heading = _HEADING.search(_FENCE.sub("\n", answer[:READ_CHARS]))
    answered = _first_telling(heading.group(1)) if heading else ""
    return answered or _first_telling(answer) or _tidied(_plain(question)) or _tidied(_plain(answer)) or NEW_CHAT


def _first_telling(text: str) -> str:
    for sentence in _SENTENCE_END.split(_plain(text)):
        telling = _without_politeness(sentence)
        if _says_something(telling):
            return _tidied(telling)
    return ""


def _plain(text: str) -> str:
    """Take away Markdown, the addresses of links, and what cannot be seen."""
    text = "\n".join(line.strip() for line in _FENCE.sub("\n", text[:READ_CHARS]).splitlines())
    for pattern, instead in _MARKDOWN:
        text = pattern.sub(instead, text)
    text = _URL.sub(lambda url: (urlsplit(_closed(url.group())).hostname or "").removeprefix("www."), text)
    return "".join(char for char in text if char == "\n" or unicodedata.category(char) not in ("Cc", "Cf", "Co", "Cs"))


def _closed(url: str) -> str:
    # A bracket that is never closed is no address to `urlsplit`.
    return url.replace("[", "").replace("]", "")


def _without_politeness(sentence: str) -> str:
    sentence = sentence.strip()
    # Nobody is so polite that this is not enough.
    for _ in range(8):
        sentence = _AFTER.sub(r"\g<asks>", _BEFORE.sub("", sentence, count=1)).strip()
    return sentence


def _says_something(text: str) -> bool:
    letters = _LETTERS.findall(text)
    # A word of an alphabet has three letters or more; two characters are one where characters are words.
    least = 2 if any(char > "\u2e7f" for char in letters) else 3
    return len(letters) >= least and not _EMPTY.fullmatch(text.strip(" .,!?…:;。！？"))


def _tidied(text: str) -> str:
    text = " ".join(text.split()).strip(" .,;:-–—*_|#>。、，")
    if len(text) > MAX_CHARS:
        cut = text[: MAX_CHARS - 1]
        # Where a word ends, unless the script has none.
        end = cut.rfind(" ") if text[MAX_CHARS - 1] != " " else len(cut)
        text = cut[: end if end > MAX_CHARS // 2 else len(cut)].rstrip(" .,;:-–—") + "…"
    first = text[:1].upper()
    return (first if len(first) == 1 else text[:1]) + text[1:]
