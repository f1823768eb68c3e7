// Access control in the background: new keys for bearer tokens, and the end of what has ended long ago.
import type { AccessCommands } from '../access/commands.ts';
import type { Seal } from '../access/seal.ts';
import { newSigningKey, RETIRED_KEY_AGE_MS } from '../access/tokens/signing-keys.ts';
import { SYSTEM } from '../metadata/audit.ts';
import type { Commands } from '../metadata/command.ts';
import { readSigningKeys } from '../metadata/signing-keys.ts';
import type { Sql } from '../metadata/sql.ts';
import type { JobContext, JobKind } from './job-kinds.ts';

export interface AccessUpkeepParts {
  readonly sql: Sql;
  readonly commands: Commands<AccessCommands>;
  readonly seal: Seal;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** How long one key signs. */
const KEY_AGE_MS = 30 * DAY_MS;
/** Access tokens that ended stay in lists so long, for a person who wonders what became of one. */
const ENDED_TOKEN_AGE_MS = 90 * DAY_MS;
/** Rows in one transaction. */
const BATCH = 500;

export function accessJobs(parts: AccessUpkeepParts): JobKind[] {
  return [
    { kind: 'rotate-signing-key', everyMs: HOUR_MS, run: () => rotateSigningKey(parts) },
    { kind: 'trim-credentials', everyMs: HOUR_MS, run: (context) => trim(parts, context) },
  ];
}

export async function rotateSigningKey({
  sql,
  commands,
  seal,
  now,
}: AccessUpkeepParts): Promise<void> {
  const signing = (await readSigningKeys(sql)).find((key) => key.retiredAt === null);
  if (signing === undefined || now() - signing.createdAt < KEY_AGE_MS) return;
  await commands.run('rotateSigningKey', {
    key: newSigningKey(seal),
    retiredBefore: now() - RETIRED_KEY_AGE_MS,
    actor: SYSTEM,
  });
}

/** Access tokens, refresh tokens and sessions that ended long ago. */
export async function trim(
  { commands, now }: Pick<AccessUpkeepParts, 'commands' | 'now'>,
  context: JobContext,
): Promise<void> {
  const ended = { before: now() - ENDED_TOKEN_AGE_MS, limit: BATCH };
  const past = { before: now() - DAY_MS, limit: BATCH };
  const steps = [
    () => commands.run('trimAccessTokens', ended),
    () => commands.run('trimRefreshTokens', past),
    () => commands.run('trimSessions', past),
  ];
  for (const step of steps) {
    while ((await step()) >= BATCH) {
      if (context.isStopping()) return;
      await context.extend();
    }
  }
}
