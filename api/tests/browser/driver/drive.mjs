// Chromium at a test's word: each line of input is, as JSON, the body of an async function of `page` and `seen`; each line of
// output is what it returned. `seen` is what the page asked for and complained of.
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const executablePath = process.argv[2];
const args = process.getuid() === 0 ? ["--no-sandbox"] : []; // Chromium has no sandbox for root
const browser = await chromium.launch({ executablePath, args });
const page = await (await browser.newContext({ viewport: { width: 1200, height: 900 }, reducedMotion: "reduce" })).newPage();
page.setDefaultTimeout(15_000);

const seen = { asked: [], complaints: [] };
page.on("request", (request) => seen.asked.push(request.url()));
page.on("pageerror", (error) => seen.complaints.push(String(error)));
page.on("console", (message) => {
  if (message.type() === "error" || message.type() === "warning") seen.complaints.push(message.text());
});

const Run = (async () => {}).constructor;
for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = { value: (await new Run("page", "seen", JSON.parse(line))(page, seen)) ?? null };
  } catch (error) {
    answer = { error: String(error) };
  }
  console.log(JSON.stringify(answer));
}
await browser.close();
