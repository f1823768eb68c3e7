// What images say of themselves: labels of their configuration, annotations of their manifest. Of an index,
// what all of its images have alike: one of them may not speak for the others.
import { REFERENCE_KINDS, type RepositoryGraph } from '../../metadata/repository-graph.ts';
import { readStoredJson } from '../../metadata/retention-facts.ts';
import type { Sql } from '../../metadata/sql.ts';

type Words = Readonly<Record<string, string>>;

const CONFIG = REFERENCE_KINDS.indexOf('config');
const MANIFEST = REFERENCE_KINDS.indexOf('manifest');
/** Indexes in indexes deeper than that are not looked into. */
const DEEPEST = 4;

export class ImageWords {
  readonly #sql: Sql;
  readonly #graph: RepositoryGraph;
  readonly #labels = new Map<number, Promise<Words | undefined>>();
  readonly #annotations = new Map<number, Promise<Words | undefined>>();

  constructor(sql: Sql, graph: RepositoryGraph) {
    this.#sql = sql;
    this.#graph = graph;
  }

  /** @returns undefined when they are not known: a configuration that large is not in the database. */
  labels(manifest: number): Promise<Words | undefined> {
    return remembered(this.#labels, manifest, () => this.#readLabels(manifest, 0));
  }

  annotations(manifest: number): Promise<Words | undefined> {
    return remembered(this.#annotations, manifest, async () => {
      const json = await readStoredJson(this.#sql, this.#blob(manifest));
      return json === undefined ? undefined : textsOf(json, 'annotations');
    });
  }

  async #readLabels(manifest: number, depth: number): Promise<Words | undefined> {
    const children = this.#named(manifest, MANIFEST)
      .map((blob) => this.#graph.blobs.manifests[blob] ?? -1)
      .filter((child) => child >= 0);
    if (children.length === 0) return (await this.#readConfig(manifest))?.labels;
    if (depth === DEEPEST) return undefined;
    let alike: Words | undefined;
    for (const child of children) {
      const config = await this.#readConfig(child);
      // Attestations of a build are children of no platform.
      if (config?.os === 'unknown') continue;
      const words = config?.labels ?? (await this.#readLabels(child, depth + 1));
      if (words === undefined) return undefined;
      alike = alike === undefined ? words : alikeIn(alike, words);
    }
    return alike ?? {};
  }

  /** @returns undefined when there is none, or it is not in the database. */
  async #readConfig(manifest: number): Promise<{ labels: Words; os: unknown } | undefined> {
    const [config] = this.#named(manifest, CONFIG);
    if (config === undefined) return { labels: {}, os: undefined };
    const json = await readStoredJson(this.#sql, this.#graph.blobs.ids[config] as number);
    if (json === undefined) return undefined;
    return { labels: textsOf(fieldOf(json, 'config'), 'Labels'), os: fieldOf(json, 'os') };
  }

  #blob(manifest: number): number {
    const place = this.#graph.manifests[manifest]?.blob ?? -1;
    return this.#graph.blobs.ids[place] as number;
  }

  /** Places of blobs. */
  #named(manifest: number, kind: number): number[] {
    const { first, children, kinds } = this.#graph.references;
    const found: number[] = [];
    for (let at = first[manifest] as number; at < (first[manifest + 1] as number); at += 1) {
      if (kinds[at] === kind) found.push(children[at] as number);
    }
    return found;
  }
}

function remembered<T>(
  known: Map<number, Promise<T>>,
  key: number,
  read: () => Promise<T>,
): Promise<T> {
  let one = known.get(key);
  if (one === undefined) {
    one = read();
    known.set(key, one);
  }
  return one;
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}

function textsOf(value: unknown, name: string): Words {
  const field = fieldOf(value, name);
  if (typeof field !== 'object' || field === null) return {};
  const texts = Object.entries(field).filter(([, text]) => typeof text === 'string');
  return Object.fromEntries(texts) as Words;
}

function alikeIn(a: Words, b: Words): Words {
  return Object.fromEntries(Object.entries(a).filter(([key, text]) => b[key] === text));
}
