// Mounting: from where, who may, and that what may not be read looks like what is not there.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { findBlob } from '../metadata/blobs.ts';
import type { Sql } from '../metadata/sql.ts';
import { LIMITS } from '../oci/limits.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import { pushBlob } from './finish-upload.ts';
import { mountBlob } from './mount-blob.ts';
import {
  bodyOf,
  openSuiteRegistry,
  patternBytes,
  REPOSITORY,
  SOMEONE,
  type SuiteRegistry,
  sha256,
} from './suite-registry.ts';

let registry: SuiteRegistry;
beforeEach(async () => {
  registry = await openSuiteRegistry();
});
afterEach(() => registry.close());

const BYTES = patternBytes(100);
const digest = sha256(BYTES);

async function hold(...repositories: string[]): Promise<void> {
  const node = registry.node('one');
  for (const name of repositories) {
    const repository = name as RepositoryName;
    await pushBlob(node, { repository, actor: 'x', digest, body: bodyOf(BYTES) });
  }
}

interface Asked {
  readonly from?: string;
  readonly wanted?: typeof digest;
  mayPull?(name: RepositoryName): boolean;
}

/** Mounts, and counts what was asked of the database: reads, and commands by name. */
async function mount(asked: Asked) {
  let reads = 0;
  const commands: string[] = [];
  const counting: Sql = {
    engine: 'sqlite',
    all: (statement, parameters) => {
      reads += 1;
      return registry.sql.all(statement, parameters);
    },
    first: (statement, parameters) => {
      reads += 1;
      return registry.sql.first(statement, parameters);
    },
  };
  registry.beforeCommand = (name) => void commands.push(name);
  const isMounted = await mountBlob(
    { sql: counting, commands: registry.commands },
    {
      repository: REPOSITORY,
      digest: asked.wanted ?? digest,
      from: asked.from,
      mayPull: async (name) => asked.mayPull?.(name) ?? true,
    },
  );
  registry.beforeCommand = undefined;
  return { isMounted, reads, commands };
}

const isHeld = async () =>
  (await findBlob(registry.sql, { repository: REPOSITORY, digest })) !== undefined;

describe('a mount', () => {
  test('gives the blob of the repository that was named', async () => {
    await hold('other/app');
    expect(await mount({ from: 'other/app' })).toMatchObject({ isMounted: true });
    expect(await isHeld()).toBe(true);
    expect(await mount({ from: 'other/app' })).toMatchObject({ isMounted: true });
  });

  test('honours the name: a blob of somewhere else is a miss', async () => {
    await hold('other/app');
    expect(await mount({ from: 'other/web' })).toMatchObject({ isMounted: false });
    expect(await mount({ from: 'Not A Name' })).toMatchObject({ isMounted: false });
    expect(await isHeld()).toBe(false);
  });

  test('asks the same of the database whether a source is unreadable, without the blob, or not there', async () => {
    await hold('private/app', 'open/app');
    await registry.commands.run('deleteBlob', {
      repository: 'open/app' as RepositoryName,
      actor: SOMEONE,
      digest,
    });
    const miss = { isMounted: false, reads: 1, commands: [] };
    const mayPull = (name: RepositoryName) => !name.startsWith('private/');
    expect(await mount({ from: 'private/app', mayPull })).toEqual(miss);
    expect(await mount({ from: 'private/app', mayPull, wanted: sha256(patternBytes(3)) })).toEqual(
      miss,
    );
    expect(await mount({ from: 'open/app', mayPull })).toEqual(miss);
    expect(await mount({ from: 'no/where', mayPull })).toEqual(miss);
    await hold('open/app');
    const hit = { isMounted: true, reads: 1, commands: ['mountBlob'] };
    expect(await mount({ from: 'open/app', mayPull })).toEqual(hit);
  });

  test('without a name takes it from wherever it may be read, the own namespace first', async () => {
    await hold('far/one', 'team/near', 'far/two');
    const seen: string[] = [];
    const mayPull = (name: RepositoryName) => {
      seen.push(name);
      return name === 'far/two';
    };
    expect(await mount({ mayPull })).toMatchObject({ isMounted: true });
    expect(seen.slice(0, 3)).toEqual(['team/near', 'far/one', 'far/two']);
    expect(await isHeld()).toBe(true);
  });

  test('without a name misses in one way', async () => {
    const nowhere = await mount({});
    await hold('private/app');
    const unreadable = await mount({ mayPull: () => false });
    expect(unreadable).toEqual({ isMounted: false, reads: 1, commands: [] });
    expect(nowhere).toEqual(unreadable);
  });

  test('without a name looks at a bounded number of repositories', async () => {
    await hold(...Array.from({ length: LIMITS.mountCandidates + 5 }, (_, at) => `far/n${at}`));
    let looked = 0;
    const mayPull = () => {
      looked += 1;
      return false;
    };
    expect(await mount({ mayPull })).toMatchObject({ isMounted: false });
    expect(looked).toBe(LIMITS.mountCandidates);
  });
});
