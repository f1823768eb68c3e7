// A seeded registry must be what pushes would have left, or what is measured on it means nothing.
import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteWriter } from '../src/metadata/sqlite.ts';
import { statement } from '../src/metadata/statement.ts';
import { readScopes, recountUsage } from '../src/metadata/usage-scopes.ts';
import { recomputeLiveness } from '../test/metadata/recompute-liveness.ts';
import { seedVersions, USUAL_SHAPE } from './seed-versions.ts';

const rights = statement()((q) =>
  q
    .selectFrom('repository_blobs')
    .select((e) => e.fn.countAll<number>().as('count'))
    .where('unheld_since', 'is not', null),
);
const keys = statement()((q) =>
  q.selectFrom('blobs').select(['storage_key as key', 'size']).where('storage_key', 'is not', null),
);

test('a seeded registry says of itself what a recount says', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'seed-'));
  try {
    const shape = {
      ...USUAL_SHAPE,
      repositories: 5,
      tags: 10,
      released: 4,
      fileEvery: 3,
      referrerEvery: 4,
    };
    const seeded = await seedVersions(directory, shape);
    expect(seeded.tags).toBe(50);
    const sql = openSqliteWriter(join(directory, 'entrepot.db'), Date.now);
    const [scope] = await readScopes(sql, ['seed']);
    expect(scope).toMatchObject({ state: 'exact', ...(await recountUsage(sql, 'seed')) });
    const { differences, live, released } = await recomputeLiveness(sql);
    expect(differences).toEqual([]);
    expect(live).toBeGreaterThanOrEqual(50);
    expect(released).toBeGreaterThanOrEqual(20);
    // Config and layer of each image that no tag holds.
    expect(await sql.first(rights, {})).toEqual({ count: 40 });
    const files = await sql.all(keys, {});
    expect(files.length).toBeGreaterThan(10);
    for (const { key, size } of files) {
      expect(Bun.file(join(directory, 'blobs', 'blobs', key ?? '')).size).toBe(size);
    }
    sql.close();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
