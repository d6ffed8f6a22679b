"""Answers as safe HTML: whole, or block by block while they arrive."""

from chatapp.services.rendering.blocks import BlockRenderer, render, render_blocks

# Raise it when the same text is rendered in another way: what was stored with an older one is rendered again.
RENDERER_VERSION = 1

__all__ = ["RENDERER_VERSION", "BlockRenderer", "render", "render_blocks"]
