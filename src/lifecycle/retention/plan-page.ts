// The items of a retention plan, repository by repository: every tag and every manifest without one, whether
// it stays or goes, and by which rule. Nothing becomes an item that was not proved to leave what stays whole.
import type { NewPlanItem } from '../../metadata/plans.ts';
import type { ReportSql } from '../../metadata/report.ts';
import { type RepositoryHere, repositoriesWithin } from '../../metadata/tags-at.ts';
import type { Digest } from '../../oci/digest.ts';
import { RegistryError } from '../../oci/errors.ts';
import {
  PAGE_ITEMS,
  PAGE_REPOSITORIES,
  type PlanPage,
  type PlanPageWanted,
} from '../plans/plan-page.ts';
import { holdersFirst } from './closure-order.ts';
import { decideRetention, type RetentionDecision } from './decide-retention.ts';
import { type Gathered, gatherFacts } from './gather-facts.ts';
import { PoliciesBelow } from './policies-below.ts';
import { proveClosed } from './prove-closed.ts';
import { replay } from './replay.ts';
import type { RetentionParameters } from './retention-parameters.ts';
import { SharedBlobs } from './shared-blobs.ts';

export async function retentionPlanPage(sql: ReportSql, wanted: PlanPageWanted): Promise<PlanPage> {
  const { path, after, createdAt: now } = wanted;
  const parameters = JSON.parse(wanted.parameters) as RetentionParameters;
  const policies = await PoliciesBelow.read(sql, { path, parameters });
  const shared = new SharedBlobs(wanted.carried);
  const found = await repositoriesWithin(sql, { path, after, limit: PAGE_REPOSITORIES });
  const page = { items: [] as NewPlanItem[], repositories: 0, bytes: 0 };
  for (const repository of found) {
    const holding = policies.at(repository.name);
    if (holding !== undefined) {
      const about = { repository: repository.id, now, ...holding };
      const gathered = await gatherFacts(sql, about);
      const { since } = parameters;
      if (since === undefined) {
        const { facts } = gathered;
        const decision = decideRetention(holding.policy, facts, now);
        prove(gathered, decision);
        page.items.push(...itemsOf(repository, gathered, decision));
        page.bytes += decision.freed.stored + (await shared.letGo(sql, facts, decision));
      } else
        page.items.push(
          ...(await replay(sql, { ...about, name: repository.name, gathered, since })),
        );
      page.repositories += 1;
    }
    if (page.items.length >= PAGE_ITEMS) {
      return { ...page, after: repository.name, carried: shared.carry() };
    }
  }
  const last = found.length < PAGE_REPOSITORIES ? undefined : found.at(-1)?.name;
  return { ...page, after: last, carried: shared.carry() };
}

/** @throws RegistryError CONFLICT that names what would be lost: then the plan is not made. */
function prove({ facts }: Gathered, { tags, released, trashed }: RetentionDecision): void {
  const violation = proveClosed({
    manifests: facts.manifests,
    keptTags: tags.filter(({ stays }) => stays),
    goingTags: tags.filter(({ stays }) => !stays),
    released,
    trashed,
  });
  if (violation === undefined) return;
  throw new RegistryError('CONFLICT', `Nothing is planned: ${violation.message}`);
}

function itemsOf(
  { id: repository, name }: RepositoryHere,
  { facts, pulls, unread }: Gathered,
  decision: RetentionDecision,
): NewPlanItem[] {
  const about = { repository, name, to: null };
  const tags = decision.tags.map((outcome, at): NewPlanItem => {
    const { tag, digest, stays, reason, bytes } = outcome;
    return {
      ...about,
      tag,
      from: digest as Digest,
      action: stays ? 'keep' : 'move',
      reason: unread.has(tag) ? UNREAD : reason,
      bytes,
      pulledAt: facts.tags[at]?.pulledAt ?? null,
    };
  });
  const outcomes = new Map(decision.untagged.map((outcome) => [outcome.id, outcome]));
  const manifests: NewPlanItem[] = [];
  // What holds others goes before them.
  for (const id of holdersFirst(facts.manifests, outcomes)) {
    const outcome = outcomes.get(id);
    if (outcome === undefined) continue;
    manifests.push({
      ...about,
      tag: null,
      from: outcome.digest as Digest,
      action: outcome.stays ? 'keep' : 'delete',
      reason: outcome.reason,
      bytes: outcome.bytes,
      pulledAt: pulls.get(id) ?? null,
    });
  }
  return [...tags, ...manifests];
}

const UNREAD = 'what its image says of itself is too large to be looked at, so it stays';
