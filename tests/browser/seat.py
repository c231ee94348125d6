"""A person before the screen of a real browser: the Chromium of the distribution, or what EARFUL_CHROMIUM names."""

from __future__ import annotations

import os
import shutil
from typing import Any, Protocol

CHROMIUM = os.environ.get("EARFUL_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or ""
PHONE = {"width": 390, "height": 844}


class Served(Protocol):
    """A page that is being served somewhere."""

    @property
    def address(self) -> str: ...


class Seat:
    """A person before a screen; what the browser complains of is kept."""

    def __init__(self, chromium: Any, served: Served, **options: Any) -> None:
        self.context = chromium.new_context(base_url=served.address, **options)
        self.context.set_default_timeout(15_000)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.complaints.append(f"dialog {dialog.message}"), dialog.dismiss()))

    def wide(self) -> int:
        """By how many pixels the page is wider than the screen."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def tab_to(self, name: str, most: int = 120) -> None:
        """Press Tab until what has this name has the focus, which must be visible."""
        for _ in range(most):
            self.page.keyboard.press("Tab")
            found = self.page.evaluate(
                "(() => { const at = document.activeElement; const line = getComputedStyle(at);"
                " return [at.innerText || at.ariaLabel || at.name || '', line.outlineStyle, line.outlineWidth]; })()"
            )
            assert found[1] != "none", f"the focus on {found[0]!r} cannot be seen"
            if name in found[0]:
                return
        raise AssertionError(f"{name!r} is not reached by the keyboard")
