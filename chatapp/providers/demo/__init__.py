"""The built-in provider: answers from the product's own documentation and shows what an answer can look like."""

from chatapp.providers.demo.documents import Section, load_sections
from chatapp.providers.demo.provider import DemoProvider

__all__ = ["DemoProvider", "Section", "load_sections"]
