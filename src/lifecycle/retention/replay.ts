// What a policy would have done over the last days, had it been set then: it is run once for each day, over
// the tags as they were, without those that it would have taken away before.
//
// What it cannot know: of pulls only the last one is written down, so whatever was pulled since a day counts
// as pulled on that day; leases and immutability are those of today; manifests that are gone for good are
// left out.
import type { NewPlanItem } from '../../metadata/plans.ts';
import type { ReportSql } from '../../metadata/report.ts';
import { readMovesSince, type TagMoveSince } from '../../metadata/retention-facts.ts';
import { readTagsThen } from '../../metadata/tags-at.ts';
import type { Digest } from '../../oci/digest.ts';
import { decideRetention } from './decide-retention.ts';
import type { TagFact } from './facts.ts';
import type { Gathered } from './gather-facts.ts';
import type { RetentionPolicy } from './policy.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const TAGS_PAGE = 1_000;

interface Replayed {
  readonly repository: number;
  readonly name: string;
  readonly policy: RetentionPolicy;
  readonly gathered: Gathered;
  readonly since: number;
  readonly now: number;
}

/** A tag in the world in which the policy was set. */
interface Replica {
  readonly digest: Digest;
  readonly pushedAt: number;
}

/** Tags that would have gone, each once for each time. */
export async function replay(sql: ReportSql, replayed: Replayed): Promise<NewPlanItem[]> {
  const { repository, since, now } = replayed;
  const world = await worldAt(sql, { repository, since });
  const moves = await readMovesSince(sql, { repository, since });
  const items: NewPlanItem[] = [];
  let next = 0;
  for (let day = since; ; day = Math.min(day + DAY_MS, now)) {
    for (; (moves[next]?.at ?? Number.POSITIVE_INFINITY) <= day; next += 1) {
      follow(world, moves[next] as TagMoveSince);
    }
    items.push(...runOn(replayed, world, day));
    if (day >= now) return items;
  }
}

async function worldAt(
  sql: ReportSql,
  { repository, since }: { repository: number; since: number },
): Promise<Map<string, Replica>> {
  const world = new Map<string, Replica>();
  for (let after = ''; ; ) {
    const rows = await readTagsThen(sql, { repository, at: since, after, limit: TAGS_PAGE });
    for (const { tag, past, since: pushedAt } of rows) {
      after = tag;
      if (past !== undefined) world.set(tag, { digest: past, pushedAt: pushedAt ?? 0 });
    }
    if (rows.length < TAGS_PAGE) return world;
  }
}

function follow(world: Map<string, Replica>, { tag, to, at, cause }: TagMoveSince): void {
  const isPutBack = cause === 'undo' || cause === 'restore';
  // As old as it was, and here it never went.
  if (isPutBack && to !== undefined && world.get(tag)?.digest === to) return;
  if (to !== undefined) world.set(tag, { digest: to, pushedAt: at });
  // What a run took away then is for the policy to decide now.
  else if (cause !== 'retention') world.delete(tag);
}

function runOn(replayed: Replayed, world: Map<string, Replica>, day: number): NewPlanItem[] {
  const { repository, name, policy, gathered } = replayed;
  const today = new Map(gathered.facts.tags.map((fact) => [fact.tag, fact]));
  const manifests = gathered.facts.manifests.filter(({ createdAt }) => createdAt <= day);
  const here = new Map(manifests.map(({ id, digest }) => [digest, id]));
  const tags: TagFact[] = [];
  for (const [tag, { digest, pushedAt }] of world) {
    const id = here.get(digest);
    if (id === undefined) continue;
    const fact = today.get(tag);
    const pulledAt = fact?.digest === digest ? fact.pulledAt : gathered.pulls.get(id);
    tags.push({
      tag,
      digest,
      pushedAt,
      pulledAt: pulledAt === undefined ? undefined : Math.min(pulledAt, day),
      immutability: fact?.immutability ?? 'none',
      labels: fact?.digest === digest ? fact.labels : {},
      annotations: fact?.digest === digest ? fact.annotations : {},
    });
  }
  tags.sort((a, b) => (a.tag < b.tag ? -1 : 1));
  const facts = { ...gathered.facts, tags, manifests };
  const gone = decideRetention(policy, facts, day).tags.filter(({ stays }) => !stays);
  const on = new Date(day).toISOString().slice(0, 10);
  return gone.map(({ tag, digest, reason, bytes }) => {
    world.delete(tag);
    return {
      repository,
      name,
      tag,
      from: digest as Digest,
      to: null,
      action: 'move',
      reason: `on ${on}: ${reason}`,
      bytes,
      pulledAt: null,
    };
  });
}
