"""Pages in a real browser: headless Chromium. tests/conftest.py has the fixtures."""

import os
import shutil

import pytest


@pytest.fixture(scope="module")
def chromium():
    """A browser; without one the tests skip, but not where CI=true."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if not path:
        reason = "no browser: apt-get install chromium, pip install playwright"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def show(chromium):
    """Opens a page; afterwards nothing may have been complained about or asked for."""
    contexts, complaints, requests = [], [], []

    def open_page(path, **more):
        contexts.append(chromium.new_context(**more))
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith(("data:", "file:", "blob:"))] == []
    assert len([url for url in requests if url.startswith("file:")]) == len(contexts)
