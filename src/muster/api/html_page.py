"""An answer that is a page by itself, to be printed or kept."""

from __future__ import annotations


class HtmlPage(str):
    """HTML, complete in itself."""
