// New keys for bearer tokens, and the end of old ones.
import { changeAccess } from '../../metadata/access-facts.ts';
import { type Actor, recordAct, SYSTEM } from '../../metadata/audit.ts';
import { synced } from '../../metadata/command.ts';
import {
  addSigningKey,
  type NewSigningKey,
  readSigningKeys,
  removeOtherKeys,
  removeRetiredKeys,
} from '../../metadata/signing-keys.ts';
import type { Transaction } from '../../metadata/sql.ts';

export function signingKeyCommands() {
  return {
    /** Two nodes that start at once make one key. */
    addFirstSigningKey: synced(async (tx: Transaction, key: NewSigningKey): Promise<void> => {
      if ((await readSigningKeys(tx)).some((row) => row.retiredAt === null)) return;
      await add(tx, key, SYSTEM);
    }),

    /** Those before it verify until nothing that they signed is valid any more. */
    rotateSigningKey: synced(
      async (
        tx: Transaction,
        rotation: { key: NewSigningKey; retiredBefore: number; actor: Actor },
      ): Promise<void> => {
        await removeRetiredKeys(tx, rotation.retiredBefore);
        await add(tx, rotation.key, rotation.actor);
      },
    ),

    /** A key has leaked: everything that was ever signed ends now. */
    replaceSigningKeys: synced(
      async (tx: Transaction, { key, actor }: { key: NewSigningKey; actor: Actor }) => {
        await add(tx, key, actor);
        await removeOtherKeys(tx, key.kid);
        await changeAccess(tx);
      },
    ),
  };
}

export type SigningKeyCommands = ReturnType<typeof signingKeyCommands>;

async function add(tx: Transaction, key: NewSigningKey, actor: Actor): Promise<void> {
  await addSigningKey(tx, key);
  await recordAct(tx, { actor, action: 'signing-key.add', target: `key ${key.kid}` });
}
