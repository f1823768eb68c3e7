// Kills the server again and again while clients push, and starts it again on what is left.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openSqliteReader, openSqliteWriter } from '../../src/metadata/sqlite.ts';
import { Random } from '../simulation/random.ts';
import { Ledger } from './ledger.ts';
import { findLeftovers } from './leftovers.ts';
import { Pusher, WrongAnswer } from './pusher.ts';
import { resumeUploads } from './resume.ts';
import { type ServerData, ServerProcess } from './server-process.ts';

export interface KillOptions {
  readonly data: ServerData;
  readonly seed: number;
  readonly kills: number;
  readonly pushers: number;
  tell?(line: string): void;
}

export interface KillResult {
  /** Blobs and manifests that were acknowledged, all of them read back at the end. */
  readonly acknowledged: number;
  /** Uploads that were cut short and finished after a restart. */
  readonly resumed: number;
  /** Files and rows that upkeep left although nothing needs them. */
  readonly leftovers: readonly string[];
}

/** @throws Error for the first thing that was acknowledged and is not there. */
export async function killAgainAndAgain(options: KillOptions): Promise<KillResult> {
  const { data, seed, kills } = options;
  const random = new Random(seed);
  const ledger = new Ledger();
  let resumed = 0;
  let server = await ServerProcess.start(data);
  try {
    for (let kill = 1; kill <= kills; kill += 1) {
      const url = server.url;
      await pushUntilKilled(options, { random, ledger, server });
      if (data.isCollecting === true) letCollect(data);
      server = await ServerProcess.start(data);
      checkIntegrity(data);
      const verified = await verify(options, { ledger, url: server.url, isAll: false });
      resumed += await resumeUploads(server.url, ledger, random);
      options.tell?.(`kill ${kill} at ${url}: ${verified} pushes read back`);
    }
    await verify(options, { ledger, url: server.url, isAll: true });
  } finally {
    await server.stop();
  }
  return { acknowledged: ledger.size, resumed, leftovers: await findLeftovers(data) };
}

/** With a collector only what a tag needs is a promise. */
function verify(
  { data }: KillOptions,
  { ledger, url, isAll }: { ledger: Ledger; url: string; isAll: boolean },
): Promise<number> {
  return data.isCollecting === true ? ledger.verifyKept(url) : ledger.verify(url, isAll);
}

async function pushUntilKilled(
  options: KillOptions,
  round: { random: Random; ledger: Ledger; server: ServerProcess },
): Promise<void> {
  const { random, ledger, server } = round;
  let moments = random.between(5, 300);
  let killed: Promise<void> | undefined;
  const moment = () => {
    moments -= 1;
    if (moments <= 0) killed ??= server.kill();
  };
  const repositories = Array.from({ length: options.pushers }, (_, i) => `team/pusher-${i}`);
  const pushing = repositories.map((name) => {
    const { url } = server;
    const own = new Random(random.below(2 ** 31));
    const mayBeGone = options.data.isCollecting === true;
    return new Pusher({ random: own, ledger, url, name, repositories, mayBeGone, moment })
      .run(() => killed !== undefined)
      .catch((error: unknown) => {
        // Until the kill no connection may break, and an answer is right or it is a fault.
        if (killed === undefined || error instanceof WrongAnswer) throw error;
      });
  });
  const ends = await Promise.allSettled(pushing);
  await (killed ?? server.kill());
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

/** While the server is down: what a tag left goes after two seconds, and no dead process has the job. */
function letCollect({ directory }: ServerData): void {
  const connection = openSqliteWriter(join(directory, 'entrepot.db'), Date.now);
  connection.execute(`insert into path_policies (path, kind, document, updated_at, updated_by)
    values ('', 'trash', '{"days":0.00002}', 0, 'test') on conflict do nothing`);
  connection.execute('update jobs set lease_until = 0, run_at = 0');
  connection.close();
}

function checkIntegrity({ directory, postgres }: ServerData): void {
  const path = join(directory, 'entrepot.db');
  if (postgres !== undefined) return;
  if (!existsSync(path)) throw new Error(`there is no ${path}`);
  const connection = openSqliteReader(path, Date.now);
  const rows = connection.query('pragma integrity_check', []) as { integrity_check: string }[];
  const broken = connection.query('pragma foreign_key_check', []);
  connection.close();
  if (rows[0]?.integrity_check === 'ok' && broken.length === 0) return;
  throw new Error(`the database is damaged: ${JSON.stringify([...rows, ...broken])}`);
}
