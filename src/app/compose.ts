// The wiring: the only file that constructs drivers and joins the parts.
import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PullLog } from '../access/audit/pull-log.ts';
import { parseAllowedHosts } from '../access/keyless/address-guard.ts';
import { createGuardedFetch } from '../access/keyless/guarded-fetch.ts';
import type { BlobStore } from '../blobs/blob-store.ts';
import { spaceAt } from '../blobs/file-calls.ts';
import { openFilesystemBlobStore } from '../blobs/filesystem.ts';
import { withObservation } from '../blobs/observed.ts';
import { admitToMetrics } from '../http/access/metrics-reader.ts';
import type { AnswerParts, RequestLog } from '../http/answer.ts';
import { Metrics } from '../http/metrics.ts';
import { withReadTimes } from '../http/observed-reads.ts';
import { ManifestRoom } from '../http/v2/manifest-room.ts';
import { accessJobs } from '../jobs/access-upkeep.ts';
import { auditJobs } from '../jobs/audit-upkeep.ts';
import { collectionJobs } from '../jobs/collection-upkeep.ts';
import { historyJobs } from '../jobs/history-upkeep.ts';
import { leaseJobs } from '../jobs/lease-upkeep.ts';
import { NodePresence } from '../jobs/node-presence.ts';
import { planJobs } from '../jobs/plan-upkeep.ts';
import { retentionJobs } from '../jobs/retention-upkeep.ts';
import { scrubJobs } from '../jobs/scrub-upkeep.ts';
import { trashJobs } from '../jobs/trash-upkeep.ts';
import { upkeepJobs } from '../jobs/upload-upkeep.ts';
import { usageCounterJobs } from '../jobs/usage-counters.ts';
import { usageJobs } from '../jobs/usage-upkeep.ts';
import { JobWorker } from '../jobs/worker.ts';
import type { CollectionSettings } from '../lifecycle/collection/collect.ts';
import { FreeRoom } from '../lifecycle/free-room.ts';
import type { Commands } from '../metadata/command.ts';
import { countJobs } from '../metadata/jobs.ts';
import { waitingRemovals } from '../metadata/removals.ts';
import type { Reports } from '../metadata/report.ts';
import { readUpkeepFigures } from '../metadata/upkeep-figures.ts';
import { countUploads } from '../metadata/uploads.ts';
import { ByteCache } from '../registry/byte-cache.ts';
import { LiveUploads } from '../registry/live-uploads.ts';
import type { PullParts } from '../registry/pull.ts';
import { PullCounter } from '../registry/pull-counter.ts';
import type { MissingParts } from '../registry/put-manifest.command.ts';
import type { UploadParts } from '../registry/upload-state.ts';
import { bootId } from './boot-id.ts';
import type { AllCommands } from './commands.ts';
import { type AccessOptions, type ComposedAccess, composeAccess } from './compose-access.ts';
import { type DatabaseSettings, openDatabase } from './database.ts';
import type { AllReports } from './reports.ts';

export interface ComposeOptions {
  readonly database: DatabaseSettings;
  readonly blobDirectory: string;
  readonly missingParts: MissingParts;
  readonly uploadAgeMs: number;
  /** Bytes a second; 0 = off. */
  readonly scrubRate: number;
  /** Percent of the disk below which pushes are refused. */
  readonly minFreeDisk: number;
  readonly collection: CollectionSettings & {
    /** Percent of the disk that history and trash may take; 0 = no limit. */
    readonly trashShare: number;
  };
  /** How long moves of tags are kept; 0 = for ever. */
  readonly historyAgeMs: number;
  readonly access: Omit<
    AccessOptions,
    'pathPrefix' | 'version' | 'guardedFetch' | 'allowedHosts' | 'authorities'
  >;
  /** Hosts and networks that owners of namespaces may name although they are not public. */
  readonly allowedHosts: readonly string[];
  /** Certificates (PEM) to trust besides the usual ones, for addresses that owners and administrators set. */
  readonly authorities: readonly string[];
  /** 0 = for ever. */
  readonly auditRetentionMs: number;
  /** Puts pulls on record too. */
  readonly auditPulls: boolean;
  /** May read the metrics; undefined: administrators only. */
  readonly metricsToken?: string | undefined;
  readonly pathPrefix: string;
  readonly version: string;
  readonly log: ComposeLog;
  /** Nothing can be written any more: the process should end. */
  failed(error: Error): void;
}

export interface ComposeLog extends RequestLog {
  jobFailed(kind: string, error: unknown): void;
  warn(message: string, error: unknown): void;
}

export interface Program {
  readonly answer: AnswerParts;
  /** For what is run beside the server, in the same process. */
  readonly commands: Commands<AllCommands>;
  readonly reports: Reports<AllReports>;
  readonly access: ComposedAccess;
  /** From now on `/readyz` says no. */
  drain(): void;
  close(): Promise<void>;
}

/** Bytes of manifests and small blobs kept in memory. */
const CACHE_BYTES = 32 * 1024 * 1024;

/** @throws BlobStoreError, SchemaTooNewError, the database's error: each with what to do. */
export async function compose(options: ComposeOptions): Promise<Program> {
  const metrics = new Metrics(options.version);
  const blobs = withObservation(
    await openFilesystemBlobStore({ directory: options.blobDirectory }),
    (operation) => metrics.observeStorage(operation),
  );
  const database = await openDatabase({
    database: options.database,
    version: options.version,
    observe: (commit) => metrics.observeCommit(commit),
    checkpointFailed: (error) => options.log.warn('the log of the database stays as it is', error),
    failed: options.failed,
  });
  const sql = withReadTimes(database.sql, (seconds) => metrics.observeRead(seconds));
  const pull: PullParts = {
    sql,
    blobs,
    cache: new ByteCache(CACHE_BYTES),
    grace: {
      ms: options.collection.graceMs,
      now: Date.now,
      renew: (right) => database.commands.run('renewGrace', right),
    },
  };
  const { pathPrefix, authorities } = options;
  const allowedHosts = parseAllowedHosts(options.allowedHosts);
  const access = await composeAccess(
    {
      sql,
      commands: database.commands,
      reports: database.reports,
      pull,
      warn: (message, error) => options.log.warn(message, error),
    },
    {
      ...options.access,
      pathPrefix,
      version: options.version,
      authorities,
      allowedHosts,
      guardedFetch: createGuardedFetch({ allowed: allowedHosts, authorities }),
    },
  ).catch(async (error: unknown) => {
    // Its thread would keep the process alive.
    await database.close();
    throw error;
  });
  const { commands } = access;
  const instance = randomUUID();
  const live = new LiveUploads();
  const pulls = new PullCounter(Date.now);
  const pullLog = options.auditPulls
    ? new PullLog({
        write: (batch) => commands.run('recordPulls', batch),
        failed: (error) => options.log.warn('pulls could not be put on record', error),
        now: () => performance.now(),
      })
    : undefined;
  const upload: UploadParts = {
    sql,
    commands,
    blobs,
    live,
    instance,
    boot: bootId(),
    newId: randomUUID,
    room: freeRoomOf(options, blobs),
    readAgain: (bytes) => metrics.countReadAgain(bytes),
  };
  const worker = new JobWorker({
    commands,
    owner: instance,
    kinds: [
      ...upkeepJobs({
        sql,
        commands,
        blobs,
        now: Date.now,
        uploadAgeMs: options.uploadAgeMs,
        isWriting: (id) => live.isWriting(id),
        freed: (bytes) => metrics.countFreed(bytes),
      }),
      ...collectionJobs({
        sql,
        commands,
        reports: database.reports,
        settings: options.collection,
        now: Date.now,
        sleep: (ms) => delay(ms),
        space: () => blobs.space(),
        warn: (message) => options.log.warn(message, undefined),
        noteHistory: (bytes) => metrics.noteHistory(bytes),
      }),
      ...planJobs({
        sql,
        commands,
        reports: database.reports,
        now: () => performance.now(),
        sleep: (ms) => delay(ms),
      }),
      ...retentionJobs({ sql, commands, now: Date.now }),
      ...scrubJobs({
        sql,
        commands,
        reports: database.reports,
        blobs,
        now: Date.now,
        elapsed: () => performance.now(),
        sleep: (ms) => delay(ms),
        newId: randomUUID,
        warn: (message) => options.log.warn(message, undefined),
        rate: options.scrubRate,
      }),
      ...accessJobs({ sql, commands, seal: access.seal, now: Date.now }),
      ...historyJobs({
        commands,
        reports: database.reports,
        now: Date.now,
        ageMs: options.historyAgeMs,
      }),
      ...leaseJobs({ commands }),
      ...trashJobs({ sql, commands, blobs, now: Date.now, sleep: (ms) => delay(ms) }),
      ...usageCounterJobs({ sql, commands }),
      ...usageJobs({ sql, commands, reports: database.reports, now: Date.now }),
      ...auditJobs({ sql, commands, now: Date.now, retentionMs: options.auditRetentionMs }),
    ],
    sleep: (ms, signal) => delay(ms, undefined, { signal }).catch(() => {}),
    failed: (job, error) => options.log.jobFailed(job.kind, error),
    unreachable: (error) => options.log.warn('the queue of jobs cannot be asked', error),
  });
  metrics.addGauges({
    uploadsOpen: () => countUploads(sql),
    uploadsReceiving: () => live.receiving,
    commandsWaiting: database.commandsWaiting,
    jobs: () => countJobs(sql),
    removalsWaiting: () => waitingRemovals(sql),
    upkeep: () => readUpkeepFigures(sql),
    disk: () => blobs.space(),
    historyBytes: () => metrics.historyBytes,
  });
  await worker.start();
  const presence = new NodePresence({
    sql,
    commands,
    instance,
    flushPulls: () => pulls.flush((counts) => commands.run('addPulls', counts)),
    now: () => performance.now(),
    failed: (error) => options.log.warn('pulls could not be counted', error),
  });
  await presence.start();

  let isDraining = false;
  return {
    commands,
    reports: database.reports,
    access,
    answer: {
      v2: {
        gate: access.gate,
        commands,
        missingParts: options.missingParts,
        manifestRoom: new ManifestRoom(),
        pull,
        pulls,
        pullLog,
        upload,
      },
      token: access.token,
      api: access.api,
      operate: {
        admitToMetrics: (request) =>
          admitToMetrics(request, { token: options.metricsToken, parts: access.api }),
        isDraining: () => isDraining,
        async checkReady() {
          await countUploads(sql);
          await blobs.check();
        },
        metrics: () => metrics.tell(),
      },
      pathPrefix,
      observe: (observation) => metrics.observeRequest(observation),
      log: options.log,
    },
    drain() {
      isDraining = true;
    },
    async close() {
      await worker.stop();
      await presence.stop();
      await pullLog?.close();
      await access.close();
      await database.close();
    },
  };
}

/** Pushes write to the disk of the blobs and, on SQLite, to that of the database. */
function freeRoomOf({ database, minFreeDisk, log }: ComposeOptions, blobs: BlobStore): FreeRoom {
  return new FreeRoom({
    leastPercent: minFreeDisk,
    spaces: [
      () => blobs.space(),
      async () => (database.kind === 'sqlite' ? spaceAt(dirname(database.path)) : undefined),
    ],
    elapsed: () => performance.now(),
    failed: (error) => log.warn('the room left on the disk could not be looked at', error),
  });
}
