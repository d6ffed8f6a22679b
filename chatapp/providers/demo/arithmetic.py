"""Sums: a small parser of its own, exact and bounded, so that no text of a person is ever evaluated as code."""

import re
from fractions import Fraction

_LONGEST = 200
_DEEPEST = 20
_MOST_BITS = 2_048

_LEADS = re.compile(
    r"(?:please |can you |could you )?(?:what is|what's|whats|how much is|calculate|compute|evaluate|solve)\s"
)
_TAIL = " \t=?.!"
_WORDS = (
    ("multiplied by", "*"),
    ("divided by", "/"),
    ("to the power of", "^"),
    ("% of", "/100*"),
    ("percent of", "/100*"),
    ("plus", "+"),
    ("minus", "-"),
    ("times", "*"),
    ("over", "/"),
    ("modulo", "mod"),
    ("squared", "^2"),
    ("cubed", "^3"),
    ("×", "*"),
    ("·", "*"),
    ("÷", "/"),
    ("−", "-"),
    ("**", "^"),
)
_TIMES_X = re.compile(r"(?<=[\d)])\s{0,3}x\s{0,3}(?=[\d(])")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_TOKEN = re.compile(r"\s*(?:(\d{1,60}(?:\.\d{1,60})?|\.\d{1,60})|(mod|[-+*/^()]))")


class NotASum(ValueError):
    """The text is something else."""


class NoResult(ArithmeticError):
    """The sum has no answer here; the message says why."""


def find_sum(text: str) -> str | None:
    """Return the sum that `text` asks for, in plain notation, or None if it asks for something else."""
    if len(text) > _LONGEST:
        return None
    lowered = " ".join(text.lower().split())
    lead = _LEADS.match(lowered)
    expression = lowered[lead.end() :] if lead else lowered
    expression = expression.removesuffix("please").strip(_TAIL)
    for word, sign in _WORDS:
        expression = expression.replace(word, f" {sign} " if sign == "mod" else sign)
    expression = _THOUSANDS.sub("", _TIMES_X.sub("*", expression))
    try:
        tokens = _tokens(expression)
    except NotASum:
        return None
    # One number, or only signs, is no question.
    is_sum = sum(token[0].isdigit() or token[0] == "." for token in tokens) >= 2 or "^" in tokens
    return " ".join(tokens).replace("( ", "(").replace(" )", ")").replace(" ^ ", "^") if is_sum else None


def evaluate(expression: str) -> str:
    """Return the value of a sum with `+ - * / ^ mod` and brackets, exact where decimals can be.

    Raises: `NotASum` for anything that does not parse, `NoResult` for a division by zero or a huge number.
    """
    parser = _Parser(_tokens(expression))
    value = parser.sum()
    if parser.peek():
        raise NotASum(expression)
    return _written(value)


def _tokens(expression: str) -> list[str]:
    tokens: list[str] = []
    position = 0
    while position < len(expression):
        match = _TOKEN.match(expression, position)
        if match is None:
            raise NotASum(expression)
        tokens.append(match[1] or match[2])
        position = match.end()
    return tokens


class _Parser:
    """Recursive descent; signs bind weaker than powers, as in mathematics: -2^2 is -4."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._position = 0
        self._depth = 0

    def peek(self) -> str:
        return self._tokens[self._position] if self._position < len(self._tokens) else ""

    def sum(self) -> Fraction:
        value = self._product()
        while (sign := self.peek()) in ("+", "-"):
            self._position += 1
            right = self._product()
            value = _bounded(value + right if sign == "+" else value - right)
        return value

    def _product(self) -> Fraction:
        value = self._signed()
        while (sign := self.peek()) in ("*", "/", "mod"):
            self._position += 1
            right = self._signed()
            if sign == "*":
                value = _bounded(value * right)
            elif right == 0:
                raise NoResult("Dividing by zero has no result.")
            else:
                value = _bounded(value / right if sign == "/" else value % right)
        return value

    def _signed(self) -> Fraction:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise NoResult("That is nested too deeply for me.")
        try:
            if (sign := self.peek()) in ("+", "-"):
                self._position += 1
                return self._signed() if sign == "+" else -self._signed()
            base = self._atom()
            if self.peek() == "^":
                self._position += 1
                return _power(base, self._signed())
            return base
        finally:
            self._depth -= 1

    def _atom(self) -> Fraction:
        token = self.peek()
        self._position += 1
        if token == "(":
            value = self.sum()
            if self.peek() != ")":
                raise NotASum("a bracket stays open")
            self._position += 1
            return value
        if not token or not (token[0].isdigit() or token[0] == "."):
            raise NotASum(f"a number is missing before {token!r}")
        return Fraction(token)


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        raise NoResult("I only raise to whole powers.")
    if base == 0 and exponent < 0:
        raise NoResult("Dividing by zero has no result.")
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if bits * abs(exponent) > _MOST_BITS and abs(base) != 1:
        raise NoResult("That number is too large for me.")
    return base ** (int(exponent) % 2 if abs(base) == 1 else int(exponent))


def _bounded(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > _MOST_BITS:
        raise NoResult("That number is too large for me.")
    return value


def _written(value: Fraction) -> str:
    """Return whole numbers with thousands separated, others with at most ten decimals."""
    if value.denominator == 1:
        return f"{value.numerator:,}"
    scaled = round(value * 10**10)
    whole, decimals = divmod(abs(scaled), 10**10)
    exact = "" if scaled == value * 10**10 else "about "
    sign = "-" if value < 0 else ""
    return f"{exact}{sign}{whole:,}.{decimals:010d}".rstrip("0").rstrip(".")
