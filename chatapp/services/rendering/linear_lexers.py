"""Pygments' Java and C# without the rules that look for a method's name: those read words to the end of the text.

Loaded when the first such block is shown, because it brings in two large lexer modules.
"""

from typing import Any, ClassVar

from pygments.lexers.dotnet import CSharpLexer
from pygments.lexers.jvm import JavaLexer

_METHOD_OR_ATTRIBUTE = ("((?:(?:[^\\W\\d]|", "^([ \\t]*)((?:", "^(\\s*)(\\[")

_STATES_BY_LEVEL: dict[str, Any] = {**CSharpLexer.tokens}


def _without_lookahead(states: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {**states, "root": [rule for rule in states["root"] if not _reads_on(rule)]}


def _reads_on(rule: Any) -> bool:
    return isinstance(rule, tuple) and isinstance(rule[0], str) and rule[0].startswith(_METHOD_OR_ATTRIBUTE)


class LinearJavaLexer(JavaLexer):
    """Java; names of methods have no colour of their own."""

    tokens = _without_lookahead(JavaLexer.tokens)


class LinearCSharpLexer(CSharpLexer):
    """C#; names of methods and attributes have no colour of their own."""

    tokens: ClassVar[dict[str, Any]] = {level: _without_lookahead(states) for level, states in _STATES_BY_LEVEL.items()}
