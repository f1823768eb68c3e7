// Reads entrepot.yaml into values and remembers on which line each one stands, so that a problem can
// name its place. Knows no setting: names and values are judged by configuration.ts.
import { isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';

export interface ConfigurationFile {
  readonly path: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** The line (from 1) of the value at a path of keys; of the nearest one above it when there is none. */
  lineOf(keys: readonly PropertyKey[]): number;
}

/** More is not a file of settings. */
const LARGEST_FILE = 256 * 1024;

function collectLines(
  node: unknown,
  keys: string,
  counter: LineCounter,
  lines: Map<string, number>,
): void {
  if (isMap(node)) {
    for (const pair of node.items) {
      if (!isScalar(pair.key)) continue;
      const path = `${keys}/${String(pair.key.value)}`;
      lines.set(path, counter.linePos(pair.key.range?.[0] ?? 0).line);
      collectLines(pair.value, path, counter, lines);
    }
  } else if (isSeq(node)) {
    for (const [index, item] of node.items.entries()) {
      const path = `${keys}/${index}`;
      if (isScalar(item)) lines.set(path, counter.linePos(item.range?.[0] ?? 0).line);
      collectLines(item, path, counter, lines);
    }
  }
}

/** @returns the file, or sentences that say what is wrong with it as YAML. */
export function parseConfigurationFile(path: string, text: string): ConfigurationFile | string[] {
  if (text.length > LARGEST_FILE)
    return [`${path}: the file is larger than ${LARGEST_FILE / 1024} KiB.`];
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false });
  if (document.errors.length > 0) {
    return document.errors.map(
      (error) =>
        `${path}, line ${counter.linePos(error.pos[0]).line}: not valid YAML: ${error.message}.`,
    );
  }
  const aliases: string[] = [];
  visit(document, {
    Alias(_, { range, source }) {
      const { line } = counter.linePos(range?.[0] ?? 0);
      aliases.push(
        `${path}, line ${line}: aliases (*${source}) are not understood here: write the value out.`,
      );
    },
  });
  if (aliases.length > 0) return aliases;
  const values: unknown = document.contents === null ? {} : document.toJS();
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    return [`${path}: the file must hold settings, one "name: value" a line.`];
  }
  const lines = new Map<string, number>();
  collectLines(document.contents, '', counter, lines);
  return {
    path,
    values: values as Record<string, unknown>,
    lineOf(keys) {
      for (let length = keys.length; length > 0; length--) {
        const line = lines.get(`/${keys.slice(0, length).map(String).join('/')}`);
        if (line !== undefined) return line;
      }
      return 1;
    },
  };
}
