"""The status page, as one who looks at it and clicks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.browser.chromium import Chromium

# The least contrast of a text with what is behind it (WCAG 2.2, 1.4.3), over all that can be seen.
FAINTEST = """
const linear = (c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const luminance = ([r, g, b]) => [r, g, b].map((c) => linear(c / 255))
  .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
const behind = (node) => {
  for (; node; node = node.parentElement) {
    const colour = parts(getComputedStyle(node).backgroundColor);
    if (colour.length === 3 || colour[3] === 1) return colour;
  }
  return [255, 255, 255];
};
const contrast = (node) => {
  const [a, b] = [luminance(parts(getComputedStyle(node).color)), luminance(behind(node))].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
};
const speaks = (node) => [...node.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
return [...document.querySelectorAll("body *")]
  .filter((node) => node.checkVisibility() && speaks(node))
  .filter((node) => !["STYLE", "SCRIPT", "NOSCRIPT"].includes(node.tagName))
  .map((node) => ({ ratio: contrast(node), text: node.textContent.trim().slice(0, 40) }))
  .reduce((least, each) => each.ratio < least.ratio ? each : least, { ratio: 99 });
"""


class Page:
    """One status page in a browser."""

    def __init__(self, chromium: Chromium, url: str) -> None:
        self.run = chromium.run
        self.run("await page.goto(url);", url=url)

    def headline(self, says: str) -> None:
        """Wait until the headline is this."""
        self.run("await page.locator('#headline').getByText(says, { exact: true }).waitFor();", says=says)

    def cell(self, target: str, column: str, says: str) -> None:
        """Wait until a target's cell has this text, or begins with it."""
        row = "page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: target, exact: true }) })"
        cell = f"{row}.locator(`td[data-label='${{column}}'] span`).filter({{ hasText: says }})"
        self.run(f"await {cell}.waitFor();", target=target, column=column, says=says)

    def click(self, name: str) -> None:
        self.run("await page.getByRole('button', { name, exact: true }).click();", name=name)

    def press(self, *keys: str) -> None:
        self.run("for (const key of keys) await page.keyboard.press(key);", keys=keys)

    def write(self, text: str) -> None:
        self.run("await page.keyboard.type(text);", text=text)

    def focused(self) -> str:
        """The name of what has the focus."""
        script = (
            "const e = document.activeElement; return e.getAttribute('aria-label') ?? (e.id || e.textContent.trim());"
        )
        return str(self.run(f"return await page.evaluate(() => {{ {script} }});"))

    def asking(self) -> bool:
        """The dialog is open."""
        return bool(self.run("return await page.locator('#ask').evaluate((dialog) => dialog.open);"))

    def until_told(self) -> None:
        """Wait until the dialog is gone."""
        self.run("await page.locator('#ask').waitFor({ state: 'hidden' });")

    def error(self, says: str) -> None:
        self.run("await page.locator('#ask-error').filter({ hasText: says }).waitFor();", says=says)

    def complaints(self) -> Any:
        """Errors and warnings of the page's own console."""
        return self.run("return seen.complaints;")

    def dress(self, scheme: str, width: int) -> None:
        """How it is looked at: `light` or `dark`, and on how wide a screen."""
        script = "await page.emulateMedia({ colorScheme: scheme }); await page.setViewportSize({ width, height: 900 });"
        self.run(script, scheme=scheme, width=width)

    def faintest(self) -> Any:
        return self.run(f"return await page.evaluate(() => {{ {FAINTEST} }});")

    def overflow(self) -> Any:
        """Pixels by which the page is wider than the screen."""
        script = "const root = document.documentElement; return root.scrollWidth - root.clientWidth;"
        return self.run(f"return await page.evaluate(() => {{ {script} }});")

    def picture(self, path: Path) -> None:
        self.run("await page.screenshot({ path, fullPage: true });", path=str(path))
