"""The report in a real browser: offline, without script, on a phone, in print, in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from reports import html
from tests.unit.samples import HOSTILE, sample


def open_page(browser: Browser, path: Path, **options: object) -> tuple[Page, list[str]]:
    """The page, and everything that went wrong or left this computer while it was opened."""
    context = browser.new_context(offline=True, **options)  # type: ignore[arg-type]
    page = context.new_page()
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
    page.on(
        "request",
        lambda request: trouble.append(request.url) if not request.url.startswith(("file:", "data:")) else None,
    )
    page.goto(path.as_uri())
    return page, trouble


@pytest.mark.parametrize("script", [True, False])
def test_opens_offline_with_and_without_javascript(browser: Browser, report: Path, *, script: bool) -> None:
    page, trouble = open_page(browser, report, java_script_enabled=script)
    assert page.locator("main.in-id").is_visible()
    assert page.locator("main.in-id h1").inner_text() == "Kota Contoh observed"
    assert trouble == []


def test_the_switch_changes_the_language_without_javascript(browser: Browser, report: Path) -> None:
    page, _ = open_page(browser, report, java_script_enabled=False)
    assert not page.locator("main.in-en").is_visible()
    page.get_by_label("English").check()
    assert page.locator("main.in-en").is_visible()
    assert not page.locator("main.in-id").is_visible()


def test_links_lead_to_the_evidence(browser: Browser, report: Path) -> None:
    page, _ = open_page(browser, report)
    link = page.locator("main.in-id .todo a").first
    target = str(link.get_attribute("href"))
    link.click()
    assert page.url.endswith(target)
    assert page.locator(f"[id='{target[1:]}']").is_visible()


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_sticks_out_at_any_width(browser: Browser, report: Path, width: int) -> None:
    page, _ = open_page(browser, report, viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(browser: Browser, report: Path, scheme: str) -> None:
    """WCAG 2.2, 1.4.3: at least 4.5 to 1, for every text that is shown."""
    page, _ = open_page(browser, report, color_scheme=scheme)
    weak = page.evaluate(
        """() => {
          const linear = v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4 };
          const lum = c => { const [r, g, b] = c.map(linear);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b };
          const rgb = s => s.match(/[\\d.]+/g).map(Number);
          const ground = e => {
            for (; e; e = e.parentElement) {
              const c = rgb(getComputedStyle(e).backgroundColor);
              if (c.length < 4 || c[3] > 0) return c.slice(0, 3);
            }
            return matchMedia('(prefers-color-scheme: dark)').matches ? [0, 0, 0] : [255, 255, 255] };
          const found = new Set();
          for (const e of document.querySelectorAll('main.in-id *, .switch *')) {
            const words = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
            if (!words || !e.checkVisibility()) continue;
            const a = lum(rgb(getComputedStyle(e).color).slice(0, 3)), b = lum(ground(e));
            const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (ratio < 4.5) found.add(e.tagName + '.' + e.className + ' ' + ratio.toFixed(2));
          }
          return [...found];
        }"""
    )
    assert weak == []


def test_it_prints_on_a4(browser: Browser, report: Path) -> None:
    page, _ = open_page(browser, report)
    assert page.pdf(format="A4").startswith(b"%PDF-")
    page.emulate_media(media="print")
    assert not page.locator(".switch").is_visible()
    assert page.locator("main.in-id").is_visible()


def test_nothing_that_a_server_says_runs(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(html.render(sample(HOSTILE)), encoding="utf-8")
    page, trouble = open_page(browser, path)
    assert page.title() != "owned"
    assert page.evaluate("document.scripts.length") == 0
    assert page.locator("main.in-id .clauses tbody tr").count() == 199
    assert trouble == []
