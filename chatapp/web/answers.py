"""What is said of an answer besides its text: the same figures through every door."""

from typing import Any

from chatapp.services.answering import Answer


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
    first_token_ms = answer.meter.first_token_ms
    figures = {
        "model": answer.model.id,
        "usage": {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.total_tokens,
            "cached_tokens": usage.cached_tokens,
            "reasoning_tokens": usage.reasoning_tokens,
            "estimated": usage.estimated,
        },
        "cost_usd": None if usage.cost_usd_micros is None else usage.cost_usd_micros / 1_000_000,
        "elapsed_ms": round(answer.meter.elapsed_ms, 1),
        "first_token_ms": None if first_token_ms is None else round(first_token_ms, 1),
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
