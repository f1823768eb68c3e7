// No read of a request looks at a whole table, on either engine: each finds its rows by an index.
// The functions of the metadata are run for real; what they ask is caught, and its plan is read.

import * as bun from 'bun:test';
import { afterAll, beforeAll, describe, expect } from 'bun:test';
import {
  countLiveTokens,
  findSuccessor,
  listAccessTokens,
  trimAccessTokens,
} from '../../src/metadata/access-tokens.ts';
import {
  appendToChain,
  cutBeginning,
  hasUnsealed,
  lockChain,
  nextUnsealed,
  readFirstNumber,
  readLastNumber,
  readSealed,
  readUnsealedTail,
} from '../../src/metadata/audit-chain.ts';
import { readEventsBySequence, readEventsByTime } from '../../src/metadata/audit-pages.ts';
import {
  hiddenPathsWithin,
  holdersOutside,
  repositoriesWithin,
} from '../../src/metadata/blob-holders.ts';
import {
  findBlob,
  findBlobId,
  heldAsBlobs,
  readPayload,
  repositoriesWithBlob,
} from '../../src/metadata/blobs.ts';
import { lostBelow, tagsThatNeed } from '../../src/metadata/closure.ts';
import {
  findSameGrant,
  grantsAt,
  grantsOf,
  isAnythingGranted,
  listGrants,
} from '../../src/metadata/grants.ts';
import { leaseJob } from '../../src/metadata/jobs.ts';
import {
  countLeasesBy,
  digestsOfTags,
  findLease,
  keepLeasable,
  leaseItems,
  leasesBy,
  leasesOf,
  leaseThatNeeds,
  nextEndedLease,
  someLeaseItems,
} from '../../src/metadata/leases.ts';
import {
  findManifestByDigest,
  findManifestByTag,
  heldAsManifests,
  heldManifestDigests,
  listReferrers,
} from '../../src/metadata/manifests.ts';
import { migrateSqlite } from '../../src/metadata/migrate.ts';
import { migratePostgres } from '../../src/metadata/migrate-postgres.ts';
import { forgetOldEvents, tagsWithHistory } from '../../src/metadata/old-tag-events.ts';
import { listMembers, organisationsOf } from '../../src/metadata/organisations.ts';
import { trimOutbox } from '../../src/metadata/outbox.ts';
import {
  isAnythingSet,
  settingsBelow,
  settingsHolding,
  showRepositories,
} from '../../src/metadata/path-settings.ts';
import { policiesBelow, policiesHolding } from '../../src/metadata/policies.ts';
import { openPostgresPool } from '../../src/metadata/postgres.ts';
import { isStillNamed, nextRemovals } from '../../src/metadata/removals.ts';
import { findRepository, listedRepositories } from '../../src/metadata/repositories.ts';
import {
  countInRepository,
  findRepositoryById,
  findRepositoryByName,
} from '../../src/metadata/repository-details.ts';
import { readRepositoryGraph } from '../../src/metadata/repository-graph.ts';
import { listRobots } from '../../src/metadata/robots.ts';
import type { Transaction } from '../../src/metadata/sql.ts';
import { openSqliteWriter } from '../../src/metadata/sqlite.ts';
import type { Engine, SqlValue, Statement } from '../../src/metadata/statement.ts';
import { readTagEvents, readVisits } from '../../src/metadata/tag-history.ts';
import { listTagDetails, sizesOfParts } from '../../src/metadata/tag-list.ts';
import { listTags, tagsPointingAt } from '../../src/metadata/tags.ts';
import { firstKeptMove, readTagsThen, tagAfterMove } from '../../src/metadata/tags-at.ts';
import { lastTrashedTag } from '../../src/metadata/taken-tags.ts';
import { findTeams, listTeamMembers, teamsOf } from '../../src/metadata/teams.ts';
import {
  countTrustPoliciesWithin,
  listTrustPolicies,
  policiesOfIssuer,
} from '../../src/metadata/trust-policies.ts';
import { findUpload, heldBytes, isUploadFile, staleUploads } from '../../src/metadata/uploads.ts';
import { apparentBelow, changedSince, growthOf } from '../../src/metadata/usage-history.ts';
import { findUsersByEmail, hasAdministrator, listUsers } from '../../src/metadata/users.ts';
import { type Digest, digestOf, digestToBytes } from '../../src/oci/digest.ts';
import type { RepositoryName } from '../../src/oci/repository-name.ts';
import type { Tag } from '../../src/oci/tag.ts';
import { postgresMissing, startPostgres } from '../support/postgres.ts';
import { type ConditionalTest, requires } from '../support/requires.ts';

interface Asked {
  readonly sql: string;
  readonly values: SqlValue[];
}

/** A transaction that answers nothing, or one plausible row, and remembers what it was asked. */
function catching(engine: Engine, row: object | undefined, asked: Asked[]): Transaction {
  const ask = (statement: Statement<unknown, unknown>, parameters: unknown) => {
    const { sql, bind } = statement.compile(engine);
    asked.push({ sql, values: bind(parameters as Record<string, SqlValue>) });
  };
  let answers = row === undefined ? 0 : 2;
  return {
    engine,
    async all(statement, parameters) {
      ask(statement as Statement<unknown, unknown>, parameters);
      return answers-- > 0 ? [row as never] : [];
    },
    async first(statement, parameters) {
      ask(statement as Statement<unknown, unknown>, parameters);
      return answers-- > 0 ? (row as never) : undefined;
    },
    async run(statement, parameters) {
      ask(statement as Statement<unknown, unknown>, parameters);
      return 1;
    },
    now: async () => 1_000_000,
  };
}

const repository = 'team/r500' as RepositoryName;
const digest: Digest = digestOf('sha256', '5'.padStart(64, '0'));
const id = 500;
const grant = {
  subject: { kind: 'user', id },
  path: 'team/r500',
  role: 'reader',
  tags: null,
  condition: null,
  createdBy: 'a',
} as const;
const owner = { kind: 'user', id } as const;

/** Every read on the path of a request, of the worker and of a push, and what a row of it may be. */
const READS: Record<string, { ask(tx: Transaction): Promise<unknown>; row?: object }> = {
  'a blob of a repository': { ask: (tx) => findBlob(tx, { repository, digest }) },
  'a blob by digest': { ask: (tx) => findBlobId(tx, digest) },
  'the bytes of a small blob': { ask: (tx) => readPayload(tx, id) },
  'blobs that a push names': {
    ask: (tx) => heldAsBlobs(tx, { repository: id, digests: [digest, digest] }),
  },
  'repositories with a blob': {
    ask: (tx) => repositoriesWithBlob(tx, { digest, prefix: 'team/', limit: 64 }),
  },
  'a manifest by tag': { ask: (tx) => findManifestByTag(tx, { repository, tag: 'v1' as Tag }) },
  'a manifest by digest': { ask: (tx) => findManifestByDigest(tx, { repository, digest }) },
  'manifests that a push names': {
    ask: (tx) => heldAsManifests(tx, { repository: id, digests: [digest] }),
  },
  'a page of referrers': {
    ask: (tx) => listReferrers(tx, { repository, subject: digest, after: 0, limit: 1_000 }),
  },
  'manifests of a fallback tag': {
    ask: (tx) => heldManifestDigests(tx, { repository, subject: digest, digests: [digest] }),
  },
  'tags that need a part': {
    ask: (tx) => tagsThatNeed(tx, { repository: id, blob: id, limit: 5 }),
    row: { id: 5, blobId: 5 },
  },
  'parts that are lost below a manifest': {
    ask: (tx) => lostBelow(tx, { repository: id, digests: [digest], limit: 5 }),
    row: { id: 5, digest: digestToBytes(digest), kind: 'layer' },
  },
  'a repository': { ask: (tx) => findRepository(tx, repository) },
  'a page of the catalog': {
    ask: (tx) => listedRepositories(tx, { last: 'team/r3', limit: 100 }),
  },
  'a page of tags': { ask: (tx) => listTags(tx, { repository: id, last: 'v1', limit: 100 }) },
  'tags of a manifest': { ask: (tx) => tagsPointingAt(tx, id) },
  'a repository by its id': { ask: (tx) => findRepositoryById(tx, id) },
  'a repository by its name': { ask: (tx) => findRepositoryByName(tx, repository) },
  'what a repository holds, in numbers': {
    ask: (tx) => countInRepository(tx, { repository: id, limit: 100 }),
  },
  'moves of a tag': {
    ask: (tx) => readTagEvents(tx, { repository: id, name: 'v1' as Tag, before: 5, limit: 10 }),
  },
  'tags that a manifest had': {
    ask: (tx) =>
      readVisits(tx, { repository: id, blob: id, after: { tag: 5, sequence: 1 }, limit: 10 }),
    row: { tagId: id, sequence: 1 },
  },
  'tags as they were': {
    ask: (tx) => readTagsThen(tx, { repository: id, at: 5, after: 'v1', limit: 10 }),
  },
  'a tag as it was after a move': { ask: (tx) => tagAfterMove(tx, { tag: id, sequence: 3 }) },
  'the first move of a tag that is kept': { ask: (tx) => firstKeptMove(tx, id) },
  'tags with old moves': { ask: (tx) => tagsWithHistory(tx, { after: 5, limit: 10 }) },
  'old moves of a tag': {
    ask: (tx) => forgetOldEvents(tx, { tag: id, before: 5, windowStart: 5, limit: 10 }),
    row: { sequence: 1, old: null, new: id, leftAt: 1, deletedAt: null, releasedAt: null },
  },
  'tags with what they are': {
    ask: (tx) => listTagDetails(tx, { repository: id, prefix: 'v1', after: 'v15', limit: 10 }),
    row: { name: 'v1', digest: digestToBytes(digest), pulls: null },
  },
  'sizes of what tags point at': { ask: (tx) => sizesOfParts(tx, [id, id + 1]) },
  'an upload': { ask: (tx) => findUpload(tx, 'u500') },
  'the bytes of a small upload': { ask: (tx) => heldBytes(tx, 'u500') },
  'uploads that nobody continued': {
    ask: (tx) => staleUploads(tx, { before: 10, limit: 100 }),
  },
  'an upload by its file': { ask: (tx) => isUploadFile(tx, 'f500') },
  'bytes to remove': { ask: (tx) => nextRemovals(tx, { after: 5, limit: 100 }) },
  'a row that names bytes': {
    ask: (tx) => isStillNamed(tx, { id: 1, kind: 'content', key: 'k500' }),
  },
  'the next job': { ask: (tx) => leaseJob(tx, { owner: 'me', leaseMs: 1 }) },
  'whether an act waits to be sealed': { ask: (tx) => hasUnsealed(tx) },
  'acts to seal': { ask: (tx) => nextUnsealed(tx, 100) },
  'acts that wait to be sealed': { ask: (tx) => readUnsealedTail(tx) },
  'numbers for acts': {
    ask: (tx) => appendToChain(tx, [{ id, sequence: 1, hash: digestToBytes(digest) }]),
  },
  'the chain of acts': { ask: (tx) => lockChain(tx), row: {} },
  'sealed acts': { ask: (tx) => readSealed(tx, { after: id, limit: 100 }) },
  'the first sealed act': { ask: (tx) => readFirstNumber(tx) },
  'the last sealed act': { ask: (tx) => readLastNumber(tx) },
  'acts to prune': {
    ask: (tx) =>
      cutBeginning(tx, {
        anchor: { sequence: 5, hash: digestToBytes(digest) },
        before: 900,
        limit: 100,
      }),
    row: { sequence: 6, hash: digestToBytes(digest), at: 6 },
  },
  'the newest acts': {
    ask: (tx) =>
      readEventsByTime(tx, {
        filter: { actor: 'a', from: 5 },
        order: 'newest-first',
        after: undefined,
        limit: 100,
      }),
    // Where the rows end that one read looks at.
    row: { at: 19_000, id: 19_000 },
  },
  'the oldest acts': {
    ask: (tx) =>
      readEventsByTime(tx, {
        filter: { until: 900 },
        order: 'oldest-first',
        after: { at: 5, id: 5 },
        limit: 100,
      }),
    row: { at: 900, id: 900 },
  },
  'acts that follow': {
    ask: (tx) =>
      readEventsBySequence(tx, { filter: { action: 'a*' }, after: 5, last: 900, limit: 100 }),
  },
  'a page of users': { ask: (tx) => listUsers(tx, { after: 'u500', limit: 10 }) },
  'users by e-mail': { ask: (tx) => findUsersByEmail(tx, 'u500@example.org') },
  'another administrator': { ask: (tx) => hasAdministrator(tx, { but: id }) },
  'organisations of a user': { ask: (tx) => organisationsOf(tx, id) },
  'members of an organisation': {
    ask: (tx) => listMembers(tx, { organisation: id, after: 5, limit: 10 }),
  },
  'teams of a user': { ask: (tx) => teamsOf(tx, id) },
  'teams by name': { ask: (tx) => findTeams(tx, ['o500/t500']) },
  'members of a team': {
    ask: (tx) => listTeamMembers(tx, { team: id, after: { userId: 5, source: 'a' }, limit: 10 }),
  },
  'a page of robots': { ask: (tx) => listRobots(tx, { path: 'team/r500', limit: 10 }) },
  'grants at a path': { ask: (tx) => grantsAt(tx, 'team/r500') },
  'a page of grants': { ask: (tx) => listGrants(tx, { path: 'team/r5', limit: 10 }) },
  'grants of a subject': { ask: (tx) => grantsOf(tx, grant.subject) },
  'the same grant': { ask: (tx) => findSameGrant(tx, grant) },
  'any setting below a path': { ask: (tx) => isAnythingSet(tx, 'team/r500') },
  'trust policies within a namespace': { ask: (tx) => countTrustPoliciesWithin(tx, 'team/r500') },
  'any grant below a path': { ask: (tx) => isAnythingGranted(tx, 'team/r500') },
  'settings that hold at a path': { ask: (tx) => settingsHolding(tx, 'team/r500/app') },
  'a page of settings': {
    ask: (tx) => settingsBelow(tx, { path: 'team', after: 'team/r500', limit: 10 }),
  },
  'what repositories show below a path': { ask: (tx) => showRepositories(tx, 'team/r500') },
  'access tokens of an owner': {
    ask: (tx) => listAccessTokens(tx, { owner, limit: 10 }),
  },
  'how many access tokens work': { ask: (tx) => countLiveTokens(tx, { owner, now: 5 }) },
  'the access token after a rotation': {
    ask: (tx) => findSuccessor(tx, { id, ownerKind: 'user', ownerId: id }),
  },
  'access tokens that ended long ago': {
    ask: (tx) => trimAccessTokens(tx, { before: 10, limit: 10 }),
    row: { id: 5 },
  },
  'policies of an issuer': {
    ask: (tx) => policiesOfIssuer(tx, { issuer: 'https://i500', limit: 10 }),
  },
  'a page of policies': { ask: (tx) => listTrustPolicies(tx, { path: 'team/r500', limit: 10 }) },
  'policies that hold at a path': { ask: (tx) => policiesHolding(tx, 'team/r500/app') },
  'policies below a path': {
    ask: (tx) =>
      policiesBelow(tx, { path: 'team', after: { path: 'team/r500', kind: 'trash' }, limit: 10 }),
  },
  'a tag in the trash': { ask: (tx) => lastTrashedTag(tx, { repository: id, tag: 'v1' as Tag }) },
  'a lease': { ask: (tx) => findLease(tx, 'l500') },
  'what a lease names': { ask: (tx) => leaseItems(tx, id) },
  'leases of somebody': {
    ask: (tx) => leasesBy(tx, { principal: 'user:5', now: 5, after: 'l5', limit: 10 }),
  },
  'how many leases somebody has': {
    ask: (tx) => countLeasesBy(tx, { principal: 'user:5', now: 5 }),
  },
  'leases of a repository': { ask: (tx) => leasesOf(tx, { repository: id, now: 5 }) },
  'leases of what a part belongs to': {
    ask: (tx) => leaseThatNeeds(tx, { repository: id, blob: id }),
    row: { id, blobId: id },
  },
  'a lease that is over': { ask: (tx) => nextEndedLease(tx) },
  'what a lease that is over holds': { ask: (tx) => someLeaseItems(tx, { lease: id, limit: 10 }) },
  'what tags point at, for a lease': {
    ask: (tx) => digestsOfTags(tx, [{ repository: 'team/r500', tag: 'v1' }]),
  },
  'manifests to lease': {
    ask: (tx) => keepLeasable(tx, { repository: id, digests: [digest] }),
  },
  'growth of a path': { ask: (tx) => growthOf(tx, { path: 'team/r500', from: 5, to: 35 }) },
  'who else holds blobs': {
    ask: (tx) => holdersOutside(tx, { blobs: [500, 501], inside: { repository: id } }),
  },
  'who else holds blobs of a namespace': {
    ask: (tx) =>
      holdersOutside(tx, { blobs: [500, 501], inside: { path: 'team', hidden: ['~1'] } }),
  },
  'repositories within a namespace': {
    ask: (tx) => repositoriesWithin(tx, { path: 'team/r5', after: 'team/r5', limit: 10 }),
  },
  'what lies in the trash of a namespace': { ask: (tx) => hiddenPathsWithin(tx, 'team/r500') },
  'repositories that changed': { ask: (tx) => changedSince(tx, 19_990) },
  'apparent bytes of a namespace': { ask: (tx) => apparentBelow(tx, 'team/r500') },
  'a repository as a graph': {
    ask: (tx) => readRepositoryGraph({ ...tx, snapshot: (read) => read(tx) }, id),
    row: { id, digest: digestToBytes(digest), blob: 5, manifest: id, size: 1 },
  },
  'old events': { ask: (tx) => trimOutbox(tx, { before: 5, limit: 10 }) },
};

/** Rows of every table, so many that no planner would rather read them all. `n` runs from 1 to 20,000. */
const ROWS: readonly string[] = [
  `insert into repositories (name, namespace_id, listed, created_at) select 'team/r' || n, 1, n % 2, n from numbers`,
  `insert into blobs (digest, size, storage_key, state, created_at) select DIGEST, n, 'k' || n, 'stored', n from numbers`,
  `insert into payloads (blob_id, bytes) select n, DIGEST from numbers`,
  `insert into repository_blobs (repository_id, blob_id, created_at) select n, n, n from numbers`,
  `insert into repository_blobs (repository_id, blob_id, created_at) select 1 + n % 1000, n, n from numbers where n > 1000`,
  `insert into manifests (repository_id, blob_id, media_type, subject_id, created_at) select 1 + n % 1000, n, 'm', case when n % 5 = 0 then 1 + n % 500 end, n from numbers`,
  `insert into manifest_references (parent_id, child_id, kind) select n, 1 + (n * 7) % 20000, 'layer' from numbers`,
  `insert into referrers (repository_id, subject_id, manifest_id, descriptor) select 1 + n % 1000, 1 + n % 700, n, 'd' from numbers`,
  `insert into tags (repository_id, name, manifest_id, sequence) select 1 + n % 1000, 'v' || n, n, 1 from numbers`,
  `insert into tag_events (tag_id, sequence, new_blob_id, at, actor, cause) select n, 1, n, n, 'a', 'push' from numbers`,
  `insert into tag_pulls (tag_id, count, last_at) select n, n, n from numbers`,
  `insert into uploads (id, repository_name, actor, algorithm, size, fence, file, storage_key, created_at, updated_at) select 'u' || n, 'r', 'a', 'sha256', 0, 0, 'f' || n, 'k' || n, n, n from numbers`,
  `insert into upload_payloads (upload_id, bytes) select 'u' || n, DIGEST from numbers`,
  `insert into removals (kind, key, created_at) select 'content', 'k' || n, n from numbers`,
  `insert into jobs (kind, key, arguments, state, run_at, attempts, lease_until, created_at) select 'k', 'j' || n, '{}', case when n % 10 = 0 then 'waiting' else 'dead' end, 900000 + n * 10, 0, 0, n from numbers`,
  `insert into users (name, display_name, email, epoch, state, totp_confirmed, totp_step, created_at) select 'u' || n, 'U', 'u' || n || '@example.org', 1, 'active', 0, 0, n from numbers`,
  `insert into organisations (name, display_name, created_at) select 'o' || n, 'O', n from numbers`,
  `insert into organisation_members (organisation_id, user_id, is_owner, created_at) select 1 + n % 1000, n, 0, n from numbers`,
  `insert into teams (organisation_id, name, created_at) select 1 + n % 1000, 't' || n, n from numbers`,
  `insert into team_members (team_id, user_id, source, created_at) select 1 + n % 1000, n, 'manual', n from numbers`,
  `insert into robots (path, name, description, epoch, state, created_by, created_at) select 'team/r' || n, 'ci', '', 1, 'active', 'a', n from numbers`,
  `insert into grants (subject_kind, subject_id, path, role, created_by, created_at) select 'user', n, 'team/r' || n, 'reader', 'a', n from numbers`,
  `insert into path_settings (path, visibility) select 'team/r' || n, 'public' from numbers`,
  `insert into access_tokens (owner_kind, owner_id, name, hash, hint, created_at, expires_at, revoked_at, uses) select 'user', n, 'ci', DIGEST, 'abcd', n, case when n % 2 = 0 then n end, case when n % 3 = 0 then n end, 0 from numbers`,
  `insert into refresh_tokens (user_id, user_epoch, access_token_id, hash, client, created_at, rotated_at, expires_at) select n, 1, n, DIGEST, 'docker', n, n, n from numbers`,
  `insert into trust_policies (path, name, issuer, audience, conditions, grants, lifetime_ms, epoch, state, created_by, created_at) select 'team/r' || n, 'p', 'https://i' || n, 'a', '{}', '[]', 1, 1, 'active', 'a', n from numbers`,
  `insert into path_policies (path, kind, document, updated_at, updated_by) select 'team/r' || n, 'trash', '{}', n, 'a' from numbers`,
  `insert into leases (name, principal, actor, detail, expires_at, created_at) select 'l' || n, 'user:' || n, 'a', '', n, n from numbers`,
  `insert into lease_items (lease_id, repository_id, blob_id) select n, 1 + n % 1000, n from numbers`,
  `insert into trash (kind, path, repository_id, tag, deleted_at, actor, principal, cause) select 'tag', 'team/r' || n, 1 + n % 1000, 'v' || n, n, 'a', 'user:1', 'delete-tag' from numbers`,
  `insert into manifest_pulls (manifest_id, count, last_at) select n, 1, n from numbers`,
  `insert into usage_history (path, day, bytes, apparent, blobs, tags, repositories) select 'team/r' || n, n % 40, 1, 1, 1, 1, 1 from numbers`,
  `insert into trash (kind, path, hidden_path, deleted_at, actor, principal, cause) select 'repository', 'team/r' || n, '~' || n, n, 'a', 'p', 'c' from numbers`,
  `insert into outbox (kind, repository_id, detail, state, created_at) select 'push', n, '{}', 'waiting', n from numbers`,
  `insert into audit_events (sequence, hash, at, actor, principal, credential, action, target, outcome, address, client, request_id, detail) select case when n < 19900 then n end, DIGEST, n, 'a', 'user:1', '', 'tag.delete', 't' || n, 'done', '', '', '', '{}' from numbers`,
];
const NUMBERS = 20_000;

interface Database {
  /** Lines of the plan that read a whole table; empty is good. */
  wholeTables(asked: Asked): Promise<string[]>;
  close(): Promise<void> | void;
}

async function openSqlite(): Promise<Database> {
  const connection = openSqliteWriter(':memory:', Date.now);
  await migrateSqlite(connection, { version: '0.3.0' });
  connection.execute(
    `create temp table numbers as with recursive c (n) as (select 1 union all select n + 1 from c where n < ${NUMBERS}) select n from c`,
  );
  const bytes = `unhex('01' || printf('%064x', n))`;
  for (const text of ROWS) connection.execute(text.replaceAll('DIGEST', bytes));
  // Without `analyze`, as the program runs: the plan must be good without statistics.
  return {
    async wholeTables({ sql, values }) {
      const rows = connection.query(`explain query plan ${sql}`, values) as { detail: string }[];
      // A list of parameters and a subquery have no index and need none.
      return rows
        .map((row) => row.detail)
        .filter(
          (detail) =>
            /^SCAN /.test(detail) && !/json_each|oldest|\bsome\b|CONSTANT ROW/.test(detail),
        )
        .filter((detail) => !isBounded(detail, sql));
    },
    close: () => connection.close(),
  };
}

/** The oldest rows of a table, up to a limit; an index that holds nothing but what is asked for. */
function isBounded(detail: string, sql: string): boolean {
  if (detail === 'SCAN audit_events USING INDEX audit_events_unsealed') return true;
  return detail === 'SCAN outbox' && /order by "id" limit/.test(sql);
}

async function openPostgres(): Promise<Database> {
  const url = await (await startPostgres()).createDatabase();
  await migratePostgres(url, { version: '0.3.0' });
  const pool = openPostgresPool(url, 1);
  await pool.unsafe(
    `create temp table numbers as select generate_series(1, ${NUMBERS})::bigint as n`,
  );
  const bytes = `decode('01' || lpad(to_hex(n), 64, '0'), 'hex')`;
  for (const text of ROWS) await pool.unsafe(text.replaceAll('DIGEST', bytes));
  await pool.unsafe('analyze');
  // Twenty thousand rows are few: beside a list of unknown length the planner would rather hash them all.
  // With millions it would not, and whether an index is there for that is the question here.
  await pool.unsafe('set enable_hashjoin = off; set enable_mergejoin = off');
  return {
    async wholeTables({ sql, values }) {
      const rows = await pool.unsafe(`explain ${sql}`, values as never[]);
      return rows
        .map((row) => String(row['QUERY PLAN']))
        .filter((line) => /Seq Scan/.test(line) && !isOneRow(line));
    },
    close: () => pool.end(),
  };
}

/** A table that never has more than one row is read as it is. */
function isOneRow(line: string): boolean {
  return line.includes('Seq Scan on audit_chain');
}

function describePlans(engine: Engine, test: ConditionalTest, open: () => Promise<Database>): void {
  describe(`plans of ${engine}`, () => {
    let database: Database | undefined;
    beforeAll(async () => {
      if (engine === 'sqlite' || missing === undefined) database = await open();
    }, 60_000);
    afterAll(() => database?.close());

    for (const [name, { ask, row }] of Object.entries(READS)) {
      test(`${name}: found by an index`, async () => {
        const asked: Asked[] = [];
        await ask(catching(engine, row, asked));
        expect(asked.length).toBeGreaterThan(0);
        for (const one of asked) {
          expect({ sql: one.sql, read: await database?.wholeTables(one) }).toEqual({
            sql: one.sql,
            read: [],
          });
        }
      });
    }

    test('a read without an index would be noticed', async () => {
      const sql = `select * from outbox where detail = 'x'`;
      expect(await database?.wholeTables({ sql, values: [] })).not.toEqual([]);
    });
  });
}

const missing = postgresMissing();
describePlans('sqlite', (name, body) => bun.test(name, body), openSqlite);
describePlans('postgres', requires('postgres', missing === undefined, missing ?? ''), openPostgres);
