"""Render a statement as a PDF: the same statement gives the same bytes."""

from .printing import PrintingFailed, render

__all__ = ["PrintingFailed", "render"]
