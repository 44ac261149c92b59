"""A headless Chromium that opens reports, and notices what goes wrong in them."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")


@dataclass
class Noticed:
    """What a page did.

    Args:
        errors: what it wrote to the console as an error or warning, and what it threw.
        requests: addresses that it asked for.
        dialogs: messages of dialogs that it opened.
    """

    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser of playwright; skips the test where it or Chromium is missing."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: no browser test")
    path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("Chromium is not installed: no browser test")
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Any, path: Path, **options: Any) -> Iterator[tuple[Any, Noticed]]:
    """A report in a page of its own; at the end nothing may have gone wrong, and nothing may have been asked for."""
    noticed = Noticed()
    context = browser.new_context(**options)
    page = context.new_page()
    page.on("request", lambda request: noticed.requests.append(request.url))
    page.on("pageerror", lambda error: noticed.errors.append(str(error)))
    page.on("console", lambda said: noticed.errors.append(said.text) if said.type in ("error", "warning") else None)

    def dismiss(dialog: Any) -> None:
        noticed.dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    try:
        page.goto(path.as_uri())
        yield page, noticed
        outside = [url for url in noticed.requests if not url.startswith(("file:", "data:", "blob:"))]
        assert (noticed.errors, noticed.dialogs, outside) == ([], [], [])
        assert len([url for url in noticed.requests if url.startswith("file:")]) == 1
    finally:
        context.close()
