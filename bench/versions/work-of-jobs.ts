// Puts off and lets go the jobs of a running server, and counts what they have still to do, in its database:
// the only way to have the same server with and without a job in turns.
import { Database } from 'bun:sqlite';
import { join } from 'node:path';

const FAR_MS = 24 * 60 * 60 * 1000;
const LOOK_MS = 50;
const RECENT_MS = 60 * 60 * 1000;

export interface Waiting {
  readonly manifests: number;
  readonly rights: number;
  readonly blobs: number;
  /** Files on their way out. */
  readonly removals: number;
}

export class WorkOfJobs {
  readonly #database: Database;

  constructor(data: string) {
    this.#database = new Database(join(data, 'entrepot.db'), { readwrite: true });
    this.#database.run('pragma busy_timeout = 10000');
  }

  /** From now on it does not begin. Waits for its end when it runs. */
  async hold(kind: string): Promise<void> {
    for (;;) {
      this.#schedule(kind, Date.now() + FAR_MS);
      if (!this.#isLeased(kind)) return;
      await Bun.sleep(LOOK_MS);
    }
  }

  /** Begins at once. @returns false when the server has nothing for it to do. */
  async release(kind: string): Promise<boolean> {
    this.#schedule(kind, 0);
    for (let looks = 0; looks < 60; looks += 1) {
      if (this.#isLeased(kind)) return true;
      await Bun.sleep(LOOK_MS);
    }
    return false;
  }

  /** Comes round from now on as it does by itself. */
  free(kind: string): void {
    this.#schedule(kind, 0);
  }

  waiting(): Waiting {
    return {
      manifests: this.#count('manifests where released_at is not null'),
      // Without what is just being pushed.
      rights: this.#count(
        `repository_blobs where unheld_since is not null and unheld_since < ${Date.now() - RECENT_MS}`,
      ),
      blobs: this.#count('blobs where unheld_since is not null'),
      removals: this.#count('removals'),
    };
  }

  /** Bytes that are there, and the length of the collector's list of what it has done. */
  stored(): { blobs: number; bytes: number } {
    return this.#database
      .query(
        `select count(*) as blobs, coalesce(sum(size), 0) as bytes from blobs where state = 'stored'`,
      )
      .get() as { blobs: number; bytes: number };
  }

  runs(): string[] {
    const rows = this.#database
      .query(`select detail from collection_runs where kind = 'collect' order by id`)
      .all() as { detail: string }[];
    return rows.map(({ detail }) => detail);
  }

  /** Rows that the collector took away, or files that the job behind it removed, until now. */
  done(kind: 'none' | 'collect' | 'remove-bytes'): number {
    const counted =
      kind === 'remove-bytes' ? ['removed'] : ['releasedManifests', 'rights', 'blobs'];
    let sum = 0;
    for (const detail of this.runs()) {
      const counts = JSON.parse(detail) as Record<string, number>;
      for (const name of counted) sum += counts[name] ?? 0;
    }
    return sum;
  }

  /** Jobs of a kind, waiting and running. */
  jobs(kind: string): number {
    const row = this.#database.query('select count(*) as n from jobs where kind = ?').get(kind);
    return (row as { n: number }).n;
  }

  close(): void {
    this.#database.close(true);
  }

  #count(from: string): number {
    return (this.#database.query(`select count(*) as n from ${from}`).get() as { n: number }).n;
  }

  #isLeased(kind: string): boolean {
    const row = this.#database
      .query('select lease_until as until from jobs where key = ?')
      .get(`every:${kind}`) as { until: number } | null;
    return row !== null && row.until > Date.now();
  }

  #schedule(kind: string, at: number): void {
    this.#database
      .query(
        `insert into jobs (kind, key, arguments, state, run_at, attempts, lease_until, created_at)
          values (?, ?, '{}', 'waiting', ?, 0, 0, ?) on conflict (key) do update set run_at = ?`,
      )
      .run(kind, `every:${kind}`, at, Date.now(), at);
  }
}
