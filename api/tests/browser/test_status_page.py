"""The status page in a real Chromium: what it shows, what an operator does there, how it looks."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.browser.chromium import Chromium
from tests.browser.conftest import CLOUD_KEY, OPERATOR, Pool
from tests.browser.page import Page
from tests.gateway import Gateway
from tests.servers import Simulator
from tests.talk import Client, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

WELL = "✓ All is well."


@pytest.fixture
def page(chromium: Chromium, gateway: Gateway) -> Page:
    page = Page(chromium, gateway.url)
    page.headline(WELL)
    return page


def traffic(client: Client, calls: int = 40) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda at: client.chat(max_tokens=40, min_tokens=40, stream=at % 2 == 0), range(calls)))


def break_open(client: Client, replica: Simulator, target: str) -> None:
    """Have a replica fail until its breaker opens, and be well again."""
    replica.fault("status", status=500)

    def is_open() -> bool:
        client.chat(max_tokens=1)
        return bool(client.targets()[target]["breaker"] == "open")

    until(is_open, 20)
    replica.clear()


def test_a_replica_that_dies_turns_and_comes_back(page: Page, pool: Pool) -> None:
    page.cell("gpu-2", "Health", "✓ up")
    pool.replicas[1].kill()
    page.cell("gpu-2", "Health", "✗ down")
    page.headline("⚠ tiny: 1 of 3 replicas out: gpu-2 (down).")
    page.cell("gpu-1", "Health", "✓ up")
    pool.revive(1)
    page.cell("gpu-2", "Health", "✓ up")
    page.headline(WELL)
    told = page.run("return await page.locator('#incidents li span').allTextContents();")
    assert told[:2] == ["gpu-2 is up again.", "gpu-2 is down."]
    assert page.complaints() == []


def test_an_operator_resets_a_breaker(page: Page, pool: Pool, client: Client) -> None:
    break_open(client, pool.replicas[0], "gpu-1")
    page.cell("gpu-1", "Breaker", "✗ open, probe in ")
    page.click("Reset breaker: gpu-1")
    assert page.focused() == "ask-key"
    page.write("sk-wrong")
    page.press("Enter")
    page.error("This needs a valid key")
    page.write(OPERATOR)
    page.press("Enter")
    page.until_told()
    page.cell("gpu-1", "Breaker", "✓ closed")
    assert client.targets()["gpu-1"]["breaker"] == "closed"
    page.headline(WELL)


def test_the_key_is_kept_in_the_page_s_memory_alone(page: Page, client: Client) -> None:
    page.click("Drain: gpu-3")
    page.write(OPERATOR)
    page.press("Enter")
    page.until_told()
    page.cell("gpu-3", "Health", "⏸ drained")
    page.click("Undrain: gpu-3")
    assert page.focused() == "ask-do"  # it is not asked again
    page.press("Enter")
    page.cell("gpu-3", "Health", "✓ up")
    assert not client.targets()["gpu-3"]["drained"]
    stored = "JSON.stringify([localStorage, sessionStorage, document.cookie, location.href, document.body.outerHTML])"
    assert "zanzibar" not in page.run(f"return await page.evaluate(() => {stored});")
    assert "zanzibar" not in str(page.run("return seen.asked;"))
    page.run("await page.reload();")
    page.headline(WELL)
    page.click("Drain: gpu-3")
    assert page.focused() == "ask-key"


def test_with_the_keyboard_alone(page: Page, client: Client) -> None:
    def go_to(name: str) -> None:
        for _ in range(20):
            page.press("Tab")
            if page.focused() == name:
                return
        raise AssertionError(f"no Tab leads to {name}")

    go_to("Drain: gpu-1")
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.run(f"return await page.evaluate(() => {outline});") == "solid"
    page.press("Enter")
    assert page.asking()
    page.press("Escape")
    assert not page.asking()
    assert page.focused() == "Drain: gpu-1"
    page.press("Enter")
    page.write(OPERATOR)
    page.press("Enter")
    page.until_told()
    page.cell("gpu-1", "Health", "⏸ drained")
    assert client.targets()["gpu-1"]["drained"]
    assert page.focused() == "Undrain: gpu-1"  # the button that took its place
    page.press("Enter", "Enter")
    page.cell("gpu-1", "Health", "✓ up")


def test_the_focus_stays_while_news_come_in(page: Page) -> None:
    page.press("Tab")
    before = page.focused()
    shown = page.run("return await page.locator('#version').textContent();")
    page.run(
        "await page.waitForFunction((before) => document.getElementById('version').textContent !== before, shown);",
        shown=shown,
    )
    assert page.focused() == before


@pytest.mark.parametrize("width", [1200, 390])
def test_a_screen_reader_finds_tables_with_heads(page: Page, width: int) -> None:
    page.dress("light", width)
    told = page.run("return await page.getByRole('table', { name: 'Targets of tiny' }).ariaSnapshot();")
    for head in ("Target", "Health", "Breaker", "In flight", "KV cache", "Actions"):
        assert f'columnheader "{head}"' in told
    for target in ("gpu-1", "gpu-2", "gpu-3", "openai"):
        assert f'rowheader "{target}"' in told
    assert re.search('cell "(Health )?✓ up"', told)  # where a cell has no head above it, it says its own
    live = page.run("return await page.locator('[role=status], [aria-live]').count();")
    assert live == 2  # the headline, and what an operator has done


def test_it_asks_nobody_else(page: Page, gateway: Gateway) -> None:
    asked = {url.removeprefix(gateway.url) for url in page.run("return seen.asked;") if not url.startswith("data:")}
    assert asked == {"/", "/status/events"}
    assert page.complaints() == []


def test_a_script_that_is_not_its_own_does_not_run(page: Page) -> None:
    page.run("""await page.evaluate(() => {
        const script = document.createElement("script");
        try { script.textContent = "window.stranger = 1"; } catch { return; }
        document.body.append(script);
    });""")
    assert page.run("return await page.evaluate(() => window.stranger ?? null);") is None


def test_a_gateway_that_goes_is_told(page: Page, gateway: Gateway) -> None:
    gateway.terminate()
    assert gateway.wait() == 0
    told = "✗ The gateway cannot be reached; this is how it stood at"
    page.run("await page.locator('#link').filter({ hasText: told }).waitFor();", told=told)


def test_operators_alone(chromium: Chromium, pool: Pool, tmp_path: Path) -> None:
    with Gateway(tmp_path, pool.settings(status_page="operators"), env=CLOUD_KEY) as gateway:
        page = Page(chromium, gateway.url)
        page.error("This needs a valid key")
        assert "gpu-1" not in page.run("return await page.content();")
        page.write(OPERATOR)
        page.press("Enter")
        page.headline(WELL)
        page.cell("gpu-1", "Health", "✓ up")


LOOKS = [("light", 1200), ("dark", 1200), ("light", 390), ("dark", 390)]


def look(page: Page, folder: Path, name: str) -> None:
    """Take its pictures, and see that all can be read."""
    for scheme, width in LOOKS:
        page.dress(scheme, width)
        page.picture(folder / f"{name}-{scheme}-{width}.png")
        assert page.overflow() == 0, (name, scheme, width)
        faintest = page.faintest()
        assert faintest["ratio"] >= 4.5, (name, scheme, width, faintest)


def test_how_it_looks(page: Page, pool: Pool, client: Client, tmp_path: Path) -> None:
    traffic(client)
    page.cell("gpu-1", "Health", "✓ up")
    page.run("await page.waitForFunction(() => document.querySelectorAll('#requests-chart rect').length > 2);")
    look(page, tmp_path, "healthy")
    pool.replicas[1].kill()
    page.cell("gpu-2", "Health", "✗ down")
    break_open(client, pool.replicas[0], "gpu-1")
    page.cell("gpu-1", "Breaker", "✗ open")
    look(page, tmp_path, "one-dead")
    for at in (0, 2):
        pool.replicas[at].kill()
    page.cell("gpu-3", "Health", "✗ down")
    traffic(client)
    page.headline("✗ tiny: no replica can answer, the cloud does. Out: gpu-1 (down), gpu-2 (down), gpu-3 (down).")
    page.run("await page.waitForFunction(() => parseFloat(document.getElementById('fallback').textContent) > 10);")
    look(page, tmp_path, "fallback")
    page.click("Drain: gpu-1")
    look(page, tmp_path, "asking")
