"""The report in a real browser: offline, without script, on a phone, in print, in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from reports import html
from tests.unit.samples import HOSTILE, sample_with_history

SCRIPT = (html.TEMPLATES / "report.js").read_text(encoding="utf-8")
# Everything up to WCAG 2.2 AA, and what the makers of the scanner hold for good.
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


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


def test_without_javascript_everything_is_shown_and_no_tool_that_would_not_work(browser: Browser, report: Path) -> None:
    page, _ = open_page(browser, report, java_script_enabled=False)
    assert page.locator("main.in-id .tools").is_hidden()
    assert page.locator("main.in-id table.sortable button").count() == 0
    assert page.locator("main.in-id .clauses tbody tr:visible").count() == 199


def test_a_large_report_opens_as_well(browser: Browser, large_report: Path) -> None:
    page, trouble = open_page(browser, large_report)
    assert page.locator("main.in-id .server").count() == 100
    page.locator("main.in-id input[type=search]").fill("kata sandi")
    assert 0 < page.locator("main.in-id .control:visible").count() < 30
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert trouble == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["id", "en"])
def test_the_accessibility_scan_finds_nothing(browser: Browser, report: Path, language: str, scheme: str) -> None:
    page, _ = open_page(browser, report, color_scheme=scheme, reduced_motion="reduce")
    page.locator(f"#show-{language}").check()
    page.evaluate(f"document.querySelectorAll('main.in-{language} details').forEach(part => {{ part.open = true; }})")
    found = Axe().run(page, options=RULES)
    assert [(one["id"], one["nodes"][0]["html"]) for one in found.response["violations"]] == []
    assert len(found.response["passes"]) > 20


def test_the_accessibility_scan_would_find_something(browser: Browser, report: Path) -> None:
    page, _ = open_page(browser, report)
    page.evaluate("document.querySelectorAll('[tabindex], th').forEach(one => one.removeAttribute('aria-label'))")
    page.evaluate(
        "document.querySelector('main.in-id input[type=search]').closest('label').replaceWith("
        "document.querySelector('main.in-id input[type=search]'))"
    )
    assert "label" in [one["id"] for one in Axe().run(page, options=RULES).response["violations"]]


def test_the_site_of_all_runs(browser: Browser, published: Path) -> None:
    page, trouble = open_page(browser, published, viewport={"width": 390, "height": 800})
    assert page.locator("main.in-id tbody tr").count() == 3
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert [one["id"] for one in Axe().run(page, options=RULES).response["violations"]] == []
    page.locator("main.in-id tbody tr th a").first.click()
    assert page.locator("main.in-id h1").inner_text() == "Kota Contoh observed"
    assert "23 November 2026" in page.locator("main.in-id header").inner_text()
    assert trouble == []


def test_clauses_and_controls_are_searched_and_filtered(browser: Browser, report: Path) -> None:
    page, _ = open_page(browser, report)
    main = page.locator("main.in-id")
    clauses = main.locator(".clauses tbody tr:visible")
    everything = clauses.count()
    main.get_by_role("checkbox", name="gagal", exact=True).check()
    failing = main.locator(".clauses tbody tr[data-status=fail]").count()
    assert clauses.count() == failing < everything
    main.locator("input[type=search]").fill("CADANGAN luring")
    assert 0 < clauses.count() < failing
    assert all("cadangan" in one.inner_text().lower() for one in main.locator(".control:visible").all())
    shown = clauses.count() + main.locator(".control:visible").count()
    assert main.locator("output").inner_text().startswith(f"{shown} dari ")
    main.locator("input[type=search]").fill("")
    main.get_by_role("checkbox", name="gagal", exact=True).uncheck()
    assert clauses.count() == everything
    assert main.locator("output").inner_text() == ""


def test_tables_are_sorted_by_their_heads_with_the_keyboard(browser: Browser, large_report: Path) -> None:
    page, _ = open_page(browser, large_report)
    table = page.locator("main.in-en table.sortable").first
    page.get_by_label("English").check()
    button = table.get_by_role("button", name="To be mended")

    def counts() -> list[int]:
        return [int(cell) for cell in table.locator("tbody tr td:last-child").all_inner_texts()]

    button.press("Enter")
    assert counts() == sorted(counts())
    button.press("Enter")
    assert counts() == sorted(counts(), reverse=True)
    assert len(set(counts())) > 1
    assert table.locator("th[aria-sort=descending]").inner_text().startswith("To be mended")


def test_a_link_to_a_server_opens_its_page(browser: Browser, report: Path) -> None:
    page, _ = open_page(browser, report)
    page.locator("#id-servers a", has_text="db01").first.click()
    assert page.locator("#id-host-db01 dl").is_visible()
    top = page.evaluate("document.getElementById('id-host-db01').getBoundingClientRect().top")
    under = page.evaluate("document.querySelector('main.in-id .tools').getBoundingClientRect().bottom")
    assert top >= under


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
    path.write_text(html.render(sample_with_history(HOSTILE)), encoding="utf-8")
    page, trouble = open_page(browser, path)
    assert page.title() != "owned"
    assert page.evaluate("[...document.scripts].map(one => one.textContent)") == [SCRIPT]
    assert page.locator("main.in-id .clauses tbody tr").count() == 199
    assert trouble == []
