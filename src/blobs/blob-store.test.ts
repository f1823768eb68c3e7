// The suite of blob stores, on every driver and every wrapper.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeBlobStore, type OpenedStore } from './blob-store.suite.ts';
import { withFaults } from './faulty.ts';
import { openFilesystemBlobStore } from './filesystem.ts';
import { createMemoryBlobStore } from './memory.ts';
import { withObservation } from './observed.ts';

async function openMemory(): Promise<OpenedStore> {
  return { store: createMemoryBlobStore(), async close() {} };
}

async function openFilesystem(): Promise<OpenedStore> {
  const directory = await mkdtemp(join(tmpdir(), 'entrepot-blobs-'));
  return {
    store: await openFilesystemBlobStore({ directory }),
    close: () => rm(directory, { recursive: true, force: true }),
  };
}

const DRIVERS = { memory: openMemory, filesystem: openFilesystem };

for (const [name, open] of Object.entries(DRIVERS)) {
  describeBlobStore(`${name} blob store`, open);
  describeBlobStore(`${name} blob store, wrapped for faults, without any`, async () => {
    const { store, close } = await open();
    return { store: withFaults(store, () => undefined), close };
  });
  describeBlobStore(`${name} blob store, observed`, async () => {
    const { store, close } = await open();
    return { store: withObservation(store, () => undefined), close };
  });
}
