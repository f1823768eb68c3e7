// After the last kill: the jobs of upkeep, a day later by their clock, and then a walk over all files.
// Whatever is left must be named by a row.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '../../src/app/database.ts';
import { openFilesystemBlobStore } from '../../src/blobs/filesystem.ts';
import { expireUploads, removeBytes, sweepUploads } from '../../src/jobs/upload-upkeep.ts';
import { statement } from '../../src/metadata/statement.ts';
import type { ServerData } from './server-process.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const CONTEXT = { extend: async () => {}, isStopping: () => false };

const storedKeys = statement()((q) => q.selectFrom('blobs').select('storage_key as key'));
const openUploads = statement()((q) => q.selectFrom('uploads').select('id'));

/** Files that no row names, and rows of uploads that never end. The server must not run. */
export async function findLeftovers(data: ServerData): Promise<string[]> {
  const { directory, postgres } = data;
  const store = join(directory, 'blobs');
  const blobs = await openFilesystemBlobStore({ directory: store });
  const { sql, commands, close } = await openDatabase({
    database:
      postgres === undefined
        ? { kind: 'sqlite', path: join(directory, 'entrepot.db') }
        : { kind: 'postgres', url: postgres },
    version: '0.3.0',
    observe() {},
    checkpointFailed() {},
    failed(error) {
      throw error;
    },
  });
  const upkeep = {
    sql,
    commands,
    blobs,
    now: () => Date.now() + 2 * DAY_MS,
    uploadAgeMs: DAY_MS,
    isWriting: () => false,
  };
  await expireUploads(upkeep, CONTEXT);
  await removeBytes(upkeep, CONTEXT);
  await sweepUploads(upkeep, CONTEXT);
  const named = new Set((await sql.all(storedKeys, {})).map(({ key }) => key));
  const uploads = (await sql.all(openUploads, {})).map(({ id }) => `the row of upload ${id}`);
  await close();
  const files = filesUnder(join(store, 'blobs')).filter((key) => !named.has(key));
  return [...uploads, ...files, ...filesUnder(join(store, 'uploads'))];
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}
