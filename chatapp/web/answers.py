"""What is said of an answer besides its text: the same figures through every door."""

from typing import Any

from chatapp.core.events import Usage
from chatapp.services.answering import Answer
from chatapp.services.runs import Outcome


def opening_of(answer: Answer) -> dict[str, Any]:
    """Return what is known before the first word."""
    return {
        "model": answer.model.id,
        "notices": answer.notices,
        "context": {"window": answer.model.context_window, "omitted_messages": answer.omitted_messages},
    }


def figures_of(answer: Answer) -> dict[str, Any]:
    """Return the figures of a finished answer.

    Units: tokens, US dollars (None while the price is unknown), milliseconds.
    """
    usage = answer.meter.usage
    assert usage is not None, "an answer is settled before it finishes"
    figures = {
        "model": answer.model.id,
        "usage": usage_of(usage),
        "cost_usd": cost_of(usage),
        "elapsed_ms": _rounded(answer.meter.elapsed_ms),
        "first_token_ms": _rounded(answer.meter.first_token_ms),
        "finish_reason": answer.meter.finish_reason,
        "context": {
            "window": answer.model.context_window,
            "used_tokens": usage.total_tokens,
            "omitted_messages": answer.omitted_messages,
        },
        "notices": answer.notices,
    }
    if answer.renderer is not None and (html := answer.renderer.final_html()) is not None:
        figures["html"] = html
    return figures


def figures_of_outcome(outcome: Outcome) -> dict[str, Any]:
    """Return the same figures of a run that is over, and whether it is saved."""
    return {
        "model": outcome.model,
        "usage": usage_of(outcome.usage),
        "cost_usd": cost_of(outcome.usage),
        "elapsed_ms": _rounded(outcome.elapsed_ms),
        "first_token_ms": _rounded(outcome.first_token_ms),
        "finish_reason": outcome.finish_reason,
        "context": outcome.context,
        "notices": outcome.notices,
        "saved": outcome.is_saved,
    }


def usage_of(usage: Usage | None) -> dict[str, Any] | None:
    if usage is None:
        return None
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "cached_tokens": usage.cached_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "estimated": usage.estimated,
    }


def cost_of(usage: Usage | None) -> float | None:
    return None if usage is None or usage.cost_usd_micros is None else usage.cost_usd_micros / 1_000_000


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 1)
