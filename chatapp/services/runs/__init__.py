"""Runs: answers that are made whoever listens, kept while they grow, and followed from anywhere."""

from chatapp.services.runs.feed import Feed, News, Opening, Outcome, Reader
from chatapp.services.runs.runs import Runs

__all__ = ["Feed", "News", "Opening", "Outcome", "Reader", "Runs"]
