// Print what does not fit Grafana's types in the dashboards named, and exit 1 if there is anything.
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const here = dirname(fileURLToPath(import.meta.url));
const options = { strict: true, noEmit: true, skipLibCheck: true, moduleResolution: ts.ModuleResolutionKind.Bundler, module: ts.ModuleKind.ESNext };
const BEGIN = 'import type { Dashboard } from "./dashboard"; export const it: Dashboard = ';

// Each dashboard is checked as the literal that it is, so that a key too many is found too.
const sources = new Map(
  process.argv.slice(2).map((path) => [resolve(here, `${path.replace(/\W/g, "_")}.ts`), { path, text: BEGIN + readFileSync(path, "utf8") }]),
);
const host = ts.createCompilerHost(options);
const { fileExists, readFile, getSourceFile } = host;
host.fileExists = (name) => sources.has(name) || fileExists(name);
host.readFile = (name) => sources.get(name)?.text ?? readFile(name);
host.getSourceFile = (name, version) =>
  sources.has(name) ? ts.createSourceFile(name, sources.get(name).text, version) : getSourceFile(name, version);

const found = ts.getPreEmitDiagnostics(ts.createProgram([...sources.keys()], options, host));
for (const { file, start, messageText } of found) {
  const at = file ? file.getLineAndCharacterOfPosition(start) : { line: 0, character: 0 };
  const name = sources.get(file?.fileName)?.path ?? file?.fileName;
  console.log(`${name}:${at.line + 1}:${at.character + 1}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`);
}
process.exit(found.length > 0 ? 1 : 0);
