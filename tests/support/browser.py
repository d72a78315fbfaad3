# SPDX-License-Identifier: Apache-2.0
"""A real browser for pages and pictures; tests that need one are skipped where there is none."""

import shutil
from contextlib import contextmanager

import pytest

# Texts of the first SVG that do not lie inside its viewBox.
OUTSIDE = """svg => {
  const box = svg.viewBox.baseVal, back = svg.getScreenCTM().inverse();
  return [...svg.querySelectorAll("text")].filter(text => {
    const r = text.getBoundingClientRect();
    const a = new DOMPoint(r.left, r.top).matrixTransform(back);
    const b = new DOMPoint(r.right, r.bottom).matrixTransform(back);
    return a.x < box.x - 1 || a.y < box.y - 1 || b.x > box.x + box.width + 1 || b.y > box.y + box.height + 1;
  }).map(text => text.textContent);
}"""


@contextmanager
def chromium():
    """Chromium without a window, as playwright has it."""
    program = shutil.which("chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright (scripts/setup.sh --tests)")
    if program is None:
        pytest.skip("needs chromium (scripts/setup.sh --tests)")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def texts_outside(browser, pictures: dict[str, str]) -> dict[str, list[str]]:
    """Pictures (name: SVG) with texts that are not inside them."""
    view = browser.new_page(viewport={"width": 1280, "height": 900})
    found = {}
    for name, svg in pictures.items():
        view.set_content(f'<!doctype html><body style="margin:0">{svg}')
        if outside := view.locator("svg").first.evaluate(OUTSIDE):
            found[name] = outside
    view.close()
    return found
