"""The panel that examiners ask for: a figure with its parts named, the signs, the sentences that speak of it."""

from pipeline.panel.facts import Panel, gather_panel
from pipeline.panel.page import write_page
from pipeline.panel.picture import write_picture

__all__ = ["Panel", "gather_panel", "write_page", "write_picture"]
