// A count that begins anew while a job is in the middle of it: the job's place in the one before must not
// leave out what had been counted there and was set to nothing since.
import { expect, test } from 'bun:test';
import { allCommands } from '../../src/app/commands.ts';
import { hashBytes } from '../../src/blobs/hasher.ts';
import { SYSTEM } from '../../src/metadata/audit.ts';
import { type Commands, synced } from '../../src/metadata/command.ts';
import { GroupCommit } from '../../src/metadata/group-commit.ts';
import { migrateSqlite } from '../../src/metadata/migrate.ts';
import type { Transaction } from '../../src/metadata/sql.ts';
import { openSqliteWriter } from '../../src/metadata/sqlite.ts';
import {
  type CountCursor,
  ensureScope,
  readScopes,
  recountUsage,
  scopesToCount,
} from '../../src/metadata/usage-scopes.ts';
import type { RepositoryName } from '../../src/oci/repository-name.ts';
import { pushManifest } from '../../src/registry/push-manifest.ts';

const table = {
  ...allCommands(),
  countRoot: synced((tx: Transaction, _nothing: null) =>
    ensureScope(tx, { path: '', state: 'counting' }),
  ),
};

test('a count that begins anew in the middle of a repository counts all of it', async () => {
  const sql = openSqliteWriter(':memory:', Date.now);
  await migrateSqlite(sql, { version: '0.3.0' });
  const commit = new GroupCommit({ connection: sql, commands: table });
  const commands = commit as unknown as Commands<typeof table>;
  try {
    await pushImage(commands, 'a/x' as RepositoryName);
    await commands.run('countRoot', null);
    const [scope] = await scopesToCount(sql);
    const count = (cursor: CountCursor | undefined) =>
      commands.run('countScope', { scope: scope as number, cursor, limit: 1 });
    let cursor = await count(undefined);
    cursor = await count(cursor as CountCursor);
    // What moves at the top lies on the other side of what is reached, so the count begins anew.
    const rename = {
      kind: 'repository',
      path: 'a/x',
      to: 'a/y',
      keepMs: 0,
      grants: 'take',
    } as const;
    await commands.run('renamePlace', { ...rename, actor: SYSTEM });
    for (let turn = 0; cursor !== 'done' && turn < 100; turn += 1) {
      cursor = await count(cursor === 'next' ? undefined : cursor);
    }
    const [root] = await readScopes(sql, ['']);
    expect(root).toMatchObject({ state: 'exact', ...(await recountUsage(sql, '')) });
    expect(root?.blobs).toBe(4);
  } finally {
    await commit.close();
  }
});

async function pushImage(commands: Commands<typeof table>, repository: RepositoryName) {
  const parts = [];
  for (const text of ['config', 'one layer', 'another layer']) {
    const bytes = new Uint8Array(Buffer.from(text));
    const digest = hashBytes('sha256', bytes);
    const blob = { digest, size: bytes.length, place: { payload: bytes } };
    await commands.run('finishUpload', { upload: undefined, repository, ...blob });
    parts.push({
      mediaType: `application/vnd.example.${parts.length}`,
      digest,
      size: bytes.length,
    });
  }
  const [config, ...layers] = parts;
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers }));
  await pushManifest(
    { commands: commands as never, missingParts: 'refuse' },
    {
      repository,
      actor: SYSTEM,
      reference: { kind: 'tag', tag: 'v1' as never },
      tags: [],
      contentType: undefined,
      bytes: new Uint8Array(bytes),
      condition: { ifMatch: null, ifNoneMatch: null },
    },
  );
}
