"""Every page in a real browser: wide and narrow, light and dark, by keyboard, for a screen reader."""

import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tests.asked import Asked
from tests.serving import Site, serving

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no browser: install Debian's chromium to run these"),
]

PICTURES = Path(__file__).parents[1] / "build" / "screenshots"
OWN = {
    "home": "/",
    "symbol": "/symbol/BTCUSDT",
    "chinese": f"/symbol/{quote('币安人生USDT')}",
    "flat": "/symbol/BLZUSDT",
    "day": "/day/2024-01-15",
    "coverage": "/coverage",
    "changes": "/changes",
    "status": "/status",
    "about": "/about",
    "api": "/api",
    "search": "/search?q=USDT",
    "unknown": "/symbol/BTCUSTD",
}
DATA = {
    "data": "/availability",
    "query": "/availability/snapshot?date=2024-01-15",
    "form": "/availability/timeline",
    "table": "/availability/day_files",
    "row": "/availability/symbols/um~2Fklines~2F1m,BTCUSDT",
}
PAGES = OWN | DATA
SIZES = {"wide": (1280, 900), "narrow": (390, 844)}
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]


@pytest.fixture(scope="module")
def place(asked: Asked) -> Iterator[Site]:
    with serving(asked.site_dir / "availability.db", AVAILABILITY_TODAY="2024-01-21") as site:
        yield site


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def page(browser: Browser, size: str, place: Site) -> Iterator[Page]:
    """A page of one size that notes every complaint and every request that leaves the site."""
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, base_url=place.url)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "request",
        lambda asked: complaints.append(asked.url) if not asked.url.startswith((place.url, "data:")) else None,
    )
    yield opened
    cookies = context.cookies()
    context.close()
    # the browser itself notes a 4xx that a test asked for, and the explorer that its charts are older than it
    expected = ("status of 404", "The compiled spec uses Vega v3")
    assert [said for said in complaints if not any(part in said for part in expected)] == []
    assert cookies == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_barrier_and_nothing_beside_the_screen(page: Page, size: str, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.goto(PAGES[name])
        page.screenshot(path=PICTURES / f"{name}-{size}-{scheme}.png", full_page=True)
        overhang = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overhang <= 0, f"{overhang} px of {name} lie beside the screen"
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("name", OWN)
def test_a_page_says_what_it_is(page: Page, name: str) -> None:
    page.goto(OWN[name])
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("h1").count() == 1
    assert page.locator("main").count() == 1
    assert page.title()
    assert len(page.locator('meta[name="description"]').get_attribute("content") or "") > 20
    assert (page.locator('link[rel="canonical"]').get_attribute("href") or "").startswith("http")
    levels = [int(tag[1]) for tag in page.eval_on_selector_all("h1,h2,h3,h4", "all => all.map(e => e.tagName)")]
    assert all(after - before <= 1 for before, after in pairwise(levels)), levels


@pytest.mark.parametrize("name", PAGES)
def test_the_explorer_loads_on_table_and_query_pages_only(page: Page, name: str) -> None:
    loaded: list[str] = []
    page.on("request", lambda asked: loaded.append(asked.url))
    page.goto(PAGES[name])
    page.wait_for_load_state("networkidle")
    assert any("datasette_vega" in url for url in loaded) == (name in ("query", "table"))


BROKEN_DAYS = r"""() => [...document.querySelectorAll("td, tbody th, dd")].filter(cell => {
  if (cell.textContent.trim().length > 40) return false;  // a sentence
  const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const found = /\d{4}-\d\d-\d\d/.exec(texts.currentNode.data);
    if (!found) continue;
    const range = document.createRange();
    range.setStart(texts.currentNode, found.index);
    range.setEnd(texts.currentNode, found.index + 10);
    if (new Set([...range.getClientRects()].map(box => Math.round(box.top))).size > 1) return true;
  }
}).map(cell => cell.textContent)"""
CUT_NAMES = """() => [...document.querySelectorAll("main svg text")].filter(text => {
  const box = text.getBoundingClientRect(), chart = text.ownerSVGElement.getBoundingClientRect();
  return box.right > chart.right + 1 || box.left < chart.left - 1;
}).map(text => text.textContent)"""


@pytest.mark.parametrize("name", [*PAGES, "extents"])
def test_no_day_is_broken_over_two_lines_and_no_name_of_a_chart_cut_off(page: Page, name: str) -> None:
    page.goto((PAGES | {"extents": "/availability/extents"})[name])
    assert page.evaluate(BROKEN_DAYS) == []
    assert page.evaluate(CUT_NAMES) == []


def test_the_explorer_is_dark_where_the_page_is(page: Page) -> None:
    for scheme, inverted in (("light", False), ("dark", True)):
        page.emulate_media(color_scheme=scheme)
        page.goto(DATA["query"])
        explorer = page.locator("form.datasette-vega")
        explorer.wait_for(timeout=15_000)
        assert (explorer.evaluate("form => getComputedStyle(form).filter") != "none") == inverted


def test_the_explorer_draws_a_chart_of_its_own_accord(page: Page) -> None:
    page.goto(DATA["query"])
    page.wait_for_selector("canvas, svg.marks", timeout=15_000)


def test_a_symbol_is_found_by_keyboard_alone(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#main"
    page.keyboard.press("Enter")
    page.wait_for_url("**/#main")
    search = page.locator('main input[name="q"]').first
    search.focus()
    page.keyboard.type("blzusdt")
    page.keyboard.press("Enter")
    page.wait_for_url("**/symbol/BLZUSDT")
    assert "BLZUSDT" in page.locator("h1").inner_text()


@pytest.mark.parametrize(
    ("name", "charts"), [("home", 2), ("symbol", 3), ("day", 0), ("coverage", 5), ("status", 0), ("table", 0)]
)
def test_paper_has_what_is_said_and_drawn_and_nothing_to_click(
    browser: Browser, place: Site, name: str, charts: int
) -> None:
    context = browser.new_context(base_url=place.url, color_scheme="dark")
    page = context.new_page()
    page.goto(PAGES[name])
    page.emulate_media(media="print")
    for gone in ("nav", ".skip", "form", "button", ".button", "details:not([open])"):
        assert not any(each.is_visible() for each in page.locator(gone).all()), gone
    assert page.locator("h1").is_visible()
    drawn = [each for each in page.locator("main svg.chart, main svg.months").all() if each.is_visible()]
    assert len(drawn) >= charts
    assert all((box := each.bounding_box()) and box["width"] > 100 and box["height"] > 5 for each in drawn)
    ground = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--ground')")
    assert ground.strip() in ("#fff", "white")
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.pdf(path=PICTURES / f"{name}.pdf", format="A4")
    context.close()


def test_everything_is_there_without_javascript(browser: Browser, place: Site) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=place.url)
    page = context.new_page()
    page.goto("/")
    page.locator('main input[name="q"]').first.fill("USDT")
    page.locator('main form[action="/search"] button').first.click()
    page.get_by_role("link", name="ETHUSDT", exact=True).first.click()
    page.wait_for_url("**/symbol/ETHUSDT")
    assert page.locator("main svg[role=img]").count() >= 2
    assert page.locator("main table").count() >= 2
    context.close()
