// The scrubber in the background: once a week all stored bytes, once a day what nothing names.
import type { BlobStore } from '../blobs/blob-store.ts';
import { Pace } from '../lifecycle/scrub/pace.ts';
import type { ScrubCommands } from '../lifecycle/scrub/scrub.command.ts';
import { isScrubWanted, scrub } from '../lifecycle/scrub/scrub.ts';
import type { ScrubReports } from '../lifecycle/scrub/scrub-reports.ts';
import type { Commands } from '../metadata/command.ts';
import type { Reports } from '../metadata/report.ts';
import type { Sql } from '../metadata/sql.ts';
import type { JobContext, JobKind } from './job-kinds.ts';

export interface ScrubUpkeepParts {
  readonly sql: Sql;
  readonly commands: Commands<ScrubCommands>;
  readonly reports: Reports<ScrubReports>;
  readonly blobs: BlobStore;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds that only rise. */
  readonly elapsed: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly newId: () => string;
  readonly warn: (message: string) => void;
  /** Bytes a second; 0 = only when somebody asks for a pass. */
  readonly rate: number;
}

const SECOND_MS = 1_000;
/** Of a pass that is asked for where none comes by itself. */
const USUAL_RATE = 8 * 1024 * 1024;

export function scrubJobs(parts: ScrubUpkeepParts): JobKind[] {
  const isAutomatic = parts.rate > 0;
  return [
    {
      kind: 'scrub',
      everyMs: SECOND_MS,
      isLong: true,
      isWanted: () => isScrubWanted(parts.sql, { now: parts.now(), isAutomatic }),
      run: (context) => scrubInBackground(parts, context),
    },
  ];
}

export function scrubInBackground(parts: ScrubUpkeepParts, context: JobContext): Promise<void> {
  const { elapsed, sleep, rate } = parts;
  const pace = new Pace({ bytesPerSecond: rate === 0 ? USUAL_RATE : rate, elapsed, sleep });
  return scrub({ ...parts, pace, isAutomatic: rate > 0 }, context);
}
