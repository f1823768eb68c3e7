// How commands show what they found: aligned tables and lines for people, JSON for programs.
import type { Json, JsonObject } from './api-client.ts';
import type { Terminal } from './terminal.ts';

export interface Column<T = JsonObject> {
  readonly title: string;
  of(row: T): Json | undefined;
}

/** A column of a field of that name. */
export function column(title: string, field: string): Column {
  return { title, of: (row) => row[field] };
}

export class Show {
  readonly #terminal: Terminal;
  readonly isJson: boolean;

  constructor(terminal: Terminal, { isJson }: { isJson: boolean }) {
    this.#terminal = terminal;
    this.isJson = isJson;
  }

  /** `none`: what a person is told instead of an empty table. */
  list(
    rows: readonly JsonObject[],
    { columns, none }: { columns: readonly Column[]; none: string },
  ): void {
    if (this.isJson) this.json(rows);
    else if (rows.length === 0) this.#terminal.printError(`${none}\n`);
    else this.#terminal.print(table(rows, columns));
  }

  /** One thing, a field a line. */
  item(value: JsonObject, fields: readonly Column[]): void {
    if (this.isJson) {
      this.json(value);
      return;
    }
    const lines = fields
      .map(({ title, of }) => [title, cell(of(value))] as const)
      .filter(([, text]) => text !== '');
    const width = Math.max(...lines.map(([title]) => title.length));
    this.#terminal.print(
      lines.map(([title, text]) => `${title.padEnd(width)}  ${text}\n`).join(''),
    );
  }

  /** Something was done. For programs: what the server said. */
  done(sentence: string, value: Json = null): void {
    if (this.isJson && value !== null) this.json(value);
    else if (!this.isJson) this.#terminal.printError(`${sentence}\n`);
  }

  /** A secret that is shown this once: alone on standard output, so that it can be piped. */
  secret(secret: string, { sentence, value }: { sentence: string; value: Json }): void {
    if (this.isJson) {
      this.json(value);
      return;
    }
    this.#terminal.printError(`${sentence}\n`);
    this.#terminal.print(`${secret}\n`);
  }

  json(value: Json): void {
    this.#terminal.print(`${JSON.stringify(value, null, 2)}\n`);
  }
}

/** Columns as wide as they must be. */
export function table(rows: readonly JsonObject[], columns: readonly Column[]): string {
  const cells = [
    columns.map(({ title }) => title.toUpperCase()),
    ...rows.map((row) => columns.map(({ of }) => cell(of(row)) || '-')),
  ];
  const widths = columns.map((_, at) => Math.max(...cells.map((line) => width(line[at] ?? ''))));
  return cells
    .map((line) => {
      const text = line
        .map((one, at) => one + ' '.repeat((widths[at] ?? 0) - width(one)))
        .join('  ');
      return `${text.trimEnd()}\n`;
    })
    .join('');
}

function width(text: string): number {
  return [...text].length;
}

/** On one line, without what would do something to a terminal: names may be anybody's words. */
export function cell(value: Json | undefined): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.map(cell).join(', ');
  if (typeof value === 'object') return cell(JSON.stringify(value));
  return String(value).replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\ufffd');
}

/** Of an ISO time: to the minute, as a person reads it (UTC). */
export function when(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? `${value.slice(0, 16).replace('T', ' ')}Z` : undefined;
}

/** The root of all paths has no name of its own. */
export function shownPath(value: Json | undefined): string | undefined {
  return value === '' ? '(root)' : cell(value);
}
