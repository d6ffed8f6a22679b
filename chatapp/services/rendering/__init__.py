"""Answers as safe HTML: whole, or block by block while they arrive."""

from chatapp.services.rendering.blocks import BlockRenderer, render, render_blocks

__all__ = ["BlockRenderer", "render", "render_blocks"]
