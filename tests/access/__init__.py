"""Who may call which route: every route called as everybody, and what came of it as a table in docs/security.md."""

from pathlib import Path

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "security.md"
BEGIN, END = "<!-- access table -->", "<!-- /access table -->"


def documented() -> str:
    """Return the table as the document has it, with the lines around it."""
    return DOCUMENT.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]
