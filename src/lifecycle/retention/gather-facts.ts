// Gathers what retention must know of one repository. Decides nothing.
import { leasesOf } from '../../metadata/leases.ts';
import type { PathPolicy } from '../../metadata/policies.ts';
import type { ReportSql } from '../../metadata/report.ts';
import {
  REFERENCE_KINDS,
  type RepositoryGraph,
  readRepositoryGraph,
} from '../../metadata/repository-graph.ts';
import { blobsHeldElsewhere } from '../../metadata/retention-facts.ts';
import { ruleThatMeets } from '../immutability/rules.ts';
import type { ManifestFact, RepositoryFacts, TagFact } from './facts.ts';
import { ImageWords } from './image-words.ts';
import { needsAnnotations, needsLabels, type RetentionPolicy } from './policy.ts';

export interface Gathered {
  readonly facts: RepositoryFacts;
  /** When each manifest was last pulled, by the id of its blob. */
  readonly pulls: ReadonlyMap<number, number>;
  /** Tags of which it could not be found out what their image says of itself: none of them may go. */
  readonly unread: ReadonlySet<string>;
}

export async function gatherFacts(
  sql: ReportSql,
  wanted: {
    repository: number;
    policy: RetentionPolicy;
    /** All that hold at the repository. */
    policies: readonly PathPolicy[];
    now: number;
  },
): Promise<Gathered> {
  const { repository, policy, policies, now } = wanted;
  const graph = await readRepositoryGraph(sql, repository);
  const leases = new Map<number, string[]>();
  if (graph.manifests.some(({ isLeased }) => isLeased)) {
    const held = await leasesOf(sql, { repository, now });
    for (const [blob, { name }] of held) leases.set(blob, [name]);
  }
  const manifests = manifestFacts(graph, leases);
  const words = new ImageWords(sql, graph);
  const unread = new Set<string>();
  const tags: TagFact[] = [];
  for (const { name: tag, manifest, movedAt: pushedAt, pulledAt } of graph.tags) {
    const digest = graph.manifests[manifest]?.digest ?? '';
    const rule = ruleThatMeets(policies, { tag })?.rule;
    const protection = rule === undefined ? 'none' : rule.mayExpire ? 'may-expire' : 'fixed';
    const labels = needsLabels(policy) ? await words.labels(manifest) : {};
    const annotations = needsAnnotations(policy) ? await words.annotations(manifest) : {};
    const isUnread = labels === undefined || annotations === undefined;
    if (isUnread) unread.add(tag);
    const immutability = isUnread ? 'fixed' : protection;
    tags.push({ tag, digest, pushedAt, pulledAt, immutability, labels, annotations });
  }
  const { ids, sizes } = graph.blobs;
  const facts = {
    tags,
    manifests,
    sizes: new Map(Array.from(ids, (id, place) => [id, sizes[place] ?? 0])),
    heldElsewhere: await blobsHeldElsewhere(sql, repository),
  };
  return { facts, pulls: pullsOf(graph), unread };
}

function pullsOf(graph: RepositoryGraph): Map<number, number> {
  const pulls = new Map<number, number>();
  for (const { blob, pulledAt } of graph.manifests) {
    if (pulledAt !== undefined) pulls.set(graph.blobs.ids[blob] as number, pulledAt);
  }
  return pulls;
}

const FOREIGN = REFERENCE_KINDS.indexOf('foreign');
const MANIFEST = REFERENCE_KINDS.indexOf('manifest');
const SUBJECT = REFERENCE_KINDS.indexOf('subject');

function manifestFacts(
  graph: RepositoryGraph,
  leases: ReadonlyMap<number, readonly string[]>,
): ManifestFact[] {
  const { ids } = graph.blobs;
  const { first, children, kinds } = graph.references;
  const facts: ManifestFact[] = [];
  graph.manifests.forEach((manifest, place) => {
    if (manifest.deletedAt !== undefined) return;
    const id = ids[manifest.blob] as number;
    const named: number[] = [];
    const blobs: number[] = [];
    for (let at = first[place] as number; at < (first[place + 1] as number); at += 1) {
      const child = ids[children[at] as number] as number;
      const kind = kinds[at];
      if (kind === MANIFEST) named.push(child);
      else if (kind !== SUBJECT && kind !== FOREIGN) blobs.push(child);
    }
    facts.push({
      id,
      digest: manifest.digest,
      createdAt: manifest.createdAt,
      releasedAt: manifest.releasedAt,
      children: named,
      blobs,
      subject: manifest.subject === undefined ? undefined : ids[manifest.subject],
      leasedBy: leases.get(id) ?? [],
    });
  });
  return facts;
}
