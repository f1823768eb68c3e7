// What the configuration of an image says of how it runs and how it was built (image spec, "config.md").
// Nobody checked it when it was pushed: what is odd is told, and the rest is read. Pure.
import { isJsonObject, type JsonObject, parseManifestJson } from '../../oci/manifest-json.ts';
import { type Platform, platformOf } from './platform.ts';

export interface BuildStep {
  readonly text: string;
  /** It made no layer. */
  readonly isEmpty: boolean;
}

export interface ImageConfig {
  readonly platform: Platform | undefined;
  readonly environment: ReadonlyMap<string, string>;
  readonly labels: ReadonlyMap<string, string>;
  readonly ports: ReadonlySet<string>;
  readonly volumes: ReadonlySet<string>;
  readonly entrypoint: readonly string[] | undefined;
  readonly command: readonly string[] | undefined;
  readonly user: string | undefined;
  readonly workingDirectory: string | undefined;
  readonly stopSignal: string | undefined;
  readonly steps: readonly BuildStep[];
}

export interface ReadConfig {
  /** Undefined: there is nothing to be read. */
  readonly config: ImageConfig | undefined;
  /** What was odd, in sentences. */
  readonly notes: readonly string[];
}

export function readImageConfig(bytes: Uint8Array): ReadConfig {
  let json: JsonObject;
  try {
    json = parseManifestJson(bytes);
  } catch {
    return { config: undefined, notes: ['The configuration is no JSON object that can be read.'] };
  }
  const odd: string[] = [];
  const run = member(json, 'config', odd);
  const read = new Fields(run, odd);
  const config = {
    platform: platformOf(json),
    environment: environmentOf(read.texts('Env') ?? []),
    labels: read.keyed('Labels'),
    ports: read.keys('ExposedPorts'),
    volumes: read.keys('Volumes'),
    entrypoint: read.texts('Entrypoint'),
    command: read.texts('Cmd'),
    user: read.text('User'),
    workingDirectory: read.text('WorkingDir'),
    stopSignal: read.text('StopSignal'),
    steps: stepsOf(json.history, odd),
  };
  const notes = odd.map((name) => `${name} of the configuration is odd, and not compared.`);
  return { config, notes };
}

function member(json: JsonObject, name: string, odd: string[]): JsonObject {
  const value = json[name];
  if (isJsonObject(value)) return value;
  if (value !== undefined && value !== null) odd.push(name);
  return {};
}

/** Members of one object; those of another form are named in `odd`. Go writes what is absent as null. */
class Fields {
  readonly #json: JsonObject;
  readonly #odd: string[];

  constructor(json: JsonObject, odd: string[]) {
    this.#json = json;
    this.#odd = odd;
  }

  text(name: string): string | undefined {
    const value = this.#json[name] ?? undefined;
    if (value === undefined || value === '') return undefined;
    return typeof value === 'string' ? value : this.#isOdd(name);
  }

  texts(name: string): readonly string[] | undefined {
    const value = this.#json[name] ?? undefined;
    if (value === undefined) return undefined;
    return isTexts(value) ? value : this.#isOdd(name);
  }

  keyed(name: string): ReadonlyMap<string, string> {
    const value = this.#json[name] ?? {};
    const entries = isJsonObject(value) ? Object.entries(value) : undefined;
    if (entries?.every((entry): entry is [string, string] => typeof entry[1] === 'string')) {
      return new Map(entries);
    }
    this.#isOdd(name);
    return new Map();
  }

  /** Of an object whose values say nothing. */
  keys(name: string): ReadonlySet<string> {
    const value = this.#json[name] ?? {};
    if (isJsonObject(value)) return new Set(Object.keys(value));
    this.#isOdd(name);
    return new Set();
  }

  #isOdd(name: string): undefined {
    this.#odd.push(name);
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === 'string');
}

/** Of a name that stands twice the last one holds. */
function environmentOf(lines: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    lines.map((line) => {
      const equals = line.indexOf('=');
      return equals < 0 ? [line, ''] : [line.slice(0, equals), line.slice(equals + 1)];
    }),
  );
}

function stepsOf(history: unknown, odd: string[]): BuildStep[] {
  if (history === undefined || history === null) return [];
  if (!Array.isArray(history) || !history.every(isJsonObject)) {
    odd.push('history');
    return [];
  }
  return history.map(({ created_by: by, comment, empty_layer: empty }) => ({
    text: typeof by === 'string' && by !== '' ? by : typeof comment === 'string' ? comment : '',
    isEmpty: empty === true,
  }));
}
