// All writes of the protocol, by name: the table that the writer runs.
import { addToLastRun } from '../metadata/collection-runs.ts';
import { type Command, relaxed } from '../metadata/command.ts';
import { trimOutbox } from '../metadata/outbox.ts';
import { addPulls, type PullCount } from '../metadata/pulls.ts';
import { forgetRemoval } from '../metadata/removals.ts';
import type { Transaction } from '../metadata/sql.ts';
import { deleteBlobCommand, deleteManifestCommand, deleteTagCommand } from './delete.command.ts';
import type { Guards } from './guards.ts';
import { putManifestCommand } from './put-manifest.command.ts';
import {
  cancelUpload,
  dropUpload,
  expireUpload,
  finishUploadCommand,
  holdUpload,
  intendKey,
  mountBlobCommand,
  recordUpload,
  renewGrace,
  startUpload,
  takeOver,
} from './upload.command.ts';

/** `bytes`: what the collector let go of, and is really gone now; 0 = it was not its. */
export interface RemovedBytes {
  readonly id: number;
  readonly bytes: number;
}

export function registryCommands(guards: Guards) {
  return {
    startUpload,
    takeOver,
    recordUpload,
    holdUpload,
    intendKey,
    finishUpload: finishUploadCommand(guards),
    cancelUpload,
    dropUpload,
    expireUpload,
    mountBlob: mountBlobCommand(guards),
    renewGrace,
    putManifest: putManifestCommand(guards),
    deleteTag: deleteTagCommand(guards),
    deleteManifest: deleteManifestCommand(guards),
    deleteBlob: deleteBlobCommand(guards),
    addPulls: relaxed((tx: Transaction, pulls: readonly PullCount[]) => addPulls(tx, pulls)),
    forgetRemoval: relaxed(async (tx: Transaction, gone: RemovedBytes) => {
      await forgetRemoval(tx, gone.id);
      if (gone.bytes > 0) await addToLastRun(tx, { removed: 1, removedBytes: gone.bytes });
    }),
    trimOutbox: relaxed((tx: Transaction, trim: Parameters<typeof trimOutbox>[1]) =>
      trimOutbox(tx, trim),
    ),
  } satisfies Record<string, Command<never, unknown>>;
}

export type RegistryCommands = ReturnType<typeof registryCommands>;
