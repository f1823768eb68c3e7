// What the handlers of `/v2/` are given.
import type { PullLog } from '../../access/audit/pull-log.ts';
import type { Commands } from '../../metadata/command.ts';
import type { RegistryCommands } from '../../registry/commands.ts';
import type { PullParts } from '../../registry/pull.ts';
import type { PullCounter } from '../../registry/pull-counter.ts';
import type { MissingParts } from '../../registry/put-manifest.command.ts';
import type { UploadParts } from '../../registry/upload-state.ts';
import type { Gate } from '../access/gate.ts';
import type { ManifestRoom } from './manifest-room.ts';

export interface V2Parts {
  readonly gate: Gate;
  readonly commands: Commands<RegistryCommands>;
  readonly missingParts: MissingParts;
  readonly manifestRoom: ManifestRoom;
  readonly pull: PullParts;
  readonly pulls: PullCounter;
  /** Undefined: pulls are not put on record. */
  readonly pullLog: PullLog | undefined;
  readonly upload: UploadParts;
}
