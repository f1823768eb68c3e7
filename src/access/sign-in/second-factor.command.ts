// Second factors go on and off. Each of these ends what was signed in without it, by the user's epoch;
// the session in which it was done goes on.
import { changeAccess, lockAccess } from '../../metadata/access-facts.ts';
import { type Actor, recordAct } from '../../metadata/audit.ts';
import { synced } from '../../metadata/command.ts';
import {
  countPasskeys,
  insertPasskey,
  type NewPasskey,
  removeAllPasskeys,
  removePasskey,
} from '../../metadata/passkeys.ts';
import {
  beginTotp,
  confirmTotp,
  type LockedUser,
  lockUser,
  removeTotp,
  replaceRecoveryCodes,
} from '../../metadata/second-factor.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { raiseUserEpoch } from '../../metadata/users.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { UsedFactor } from './second-factor-code.ts';
import { type KeptSession, keepSession } from './session.command.ts';
import { useFactor } from './use-factor.ts';

interface Change {
  readonly userId: number;
  readonly actor: Actor;
  /** The session in which it is done. */
  readonly session?: KeptSession | undefined;
}

export function secondFactorCommands() {
  return {
    beginTotp: synced(begin),
    confirmTotp: synced(confirm),
    removeTotp: synced(dropTotp),
    replaceRecoveryCodes: synced(replaceCodes),
    addPasskey: synced(addPasskey),
    removePasskey: synced(dropPasskey),
    removeSecondFactor: synced(removeSecondFactor),
  };
}

async function begin(tx: Transaction, change: Change & { sealed: string }): Promise<void> {
  const user = await active(tx, change.userId);
  if (!(await beginTotp(tx, { user: change.userId, secret: change.sealed }))) throw isOn();
  await record(tx, { change, user, action: 'second-factor.begin', detail: { kind: 'totp' } });
}

/** `sealed`: the secret that the code was compared with. */
async function confirm(
  tx: Transaction,
  change: Change & { sealed: string; step: number; codes: readonly Uint8Array[] },
): Promise<boolean> {
  const { userId, sealed, step, codes } = change;
  await lockAccess(tx);
  const user = await active(tx, userId);
  if (user.totpConfirmed === 1) throw isOn();
  if (user.totpSecret !== sealed) {
    throw new RegistryError('CONFLICT', 'This was begun again elsewhere. Scan the new code.');
  }
  const isFirst = !(await hasFactor(tx, user, userId));
  await confirmTotp(tx, { user: userId, step });
  if (isFirst) await replaceRecoveryCodes(tx, { user: userId, hashes: codes });
  await end(tx, change);
  await record(tx, { change, user, action: 'second-factor.on', detail: { kind: 'totp' } });
  return isFirst;
}

async function dropTotp(tx: Transaction, change: Change & { factor: UsedFactor }): Promise<void> {
  const { userId, factor } = change;
  await lockAccess(tx);
  const user = await active(tx, userId);
  if (user.totpConfirmed !== 1) throw isOff('There is no authenticator app to take away.');
  await prove(tx, { userId, factor });
  await removeTotp(tx, userId);
  await forgetCodesOfNothing(tx, userId);
  await end(tx, change);
  await record(tx, { change, user, action: 'second-factor.off', detail: { kind: 'totp' } });
}

async function replaceCodes(
  tx: Transaction,
  change: Change & { factor: UsedFactor; codes: readonly Uint8Array[] },
): Promise<void> {
  const { userId, factor, codes } = change;
  const user = await active(tx, userId);
  if (!(await hasFactor(tx, user, userId))) throw isOff('There is no second factor to recover.');
  await prove(tx, { userId, factor });
  await replaceRecoveryCodes(tx, { user: userId, hashes: codes });
  await record(tx, { change, user, action: 'second-factor.recovery-codes', detail: {} });
}

/** @returns whether it is the first factor: then the recovery codes count, and are to be shown. */
async function addPasskey(
  tx: Transaction,
  change: Change & { passkey: NewPasskey; codes: readonly Uint8Array[]; most: number },
): Promise<boolean> {
  const { userId, passkey, codes, most } = change;
  await lockAccess(tx);
  const user = await active(tx, userId);
  if ((await countPasskeys(tx, userId)) >= most) {
    throw new RegistryError('CONFLICT', `A user has at most ${most} passkeys. Remove one first.`);
  }
  const isFirst = !(await hasFactor(tx, user, userId));
  if (!(await insertPasskey(tx, { ...passkey, user: userId }))) {
    throw new RegistryError('CONFLICT', 'This passkey is registered already.');
  }
  if (isFirst) {
    await replaceRecoveryCodes(tx, { user: userId, hashes: codes });
    await end(tx, change);
  }
  const detail = { kind: 'passkey', name: passkey.name };
  await record(tx, { change, user, action: 'second-factor.on', detail });
  return isFirst;
}

async function dropPasskey(
  tx: Transaction,
  change: Change & { id: number; factor: UsedFactor },
): Promise<void> {
  const { userId, id, factor } = change;
  await lockAccess(tx);
  const user = await active(tx, userId);
  await prove(tx, { userId, factor });
  if (!(await removePasskey(tx, { user: userId, id }))) {
    throw new RegistryError('NOT_FOUND', `You have no passkey ${id}.`);
  }
  await forgetCodesOfNothing(tx, userId);
  await end(tx, change);
  const detail = { kind: 'passkey', id };
  await record(tx, { change, user, action: 'second-factor.off', detail });
}

/** By an administrator, for somebody who has lost all of it. */
export async function removeSecondFactor(tx: Transaction, change: Change): Promise<void> {
  const { userId } = change;
  await lockAccess(tx);
  const user = await lockUser(tx, userId);
  if (user === undefined) throw new RegistryError('NOT_FOUND', 'There is no such user.');
  await removeTotp(tx, userId);
  await removeAllPasskeys(tx, userId);
  await replaceRecoveryCodes(tx, { user: userId, hashes: [] });
  await end(tx, change);
  await record(tx, { change, user, action: 'second-factor.off', detail: { kind: 'all' } });
}

async function active(tx: Transaction, id: number): Promise<LockedUser> {
  const user = await lockUser(tx, id);
  if (user?.state === 'active') return user;
  throw new RegistryError('NOT_FOUND', 'There is no such user, or they may not sign in.');
}

async function hasFactor(tx: Transaction, user: LockedUser, id: number): Promise<boolean> {
  return user.totpConfirmed === 1 || (await countPasskeys(tx, id)) > 0;
}

async function forgetCodesOfNothing(tx: Transaction, userId: number): Promise<void> {
  if (await hasFactor(tx, await active(tx, userId), userId)) return;
  await replaceRecoveryCodes(tx, { user: userId, hashes: [] });
}

async function prove(
  tx: Transaction,
  { userId, factor }: { userId: number; factor: UsedFactor },
): Promise<void> {
  if (await useFactor(tx, { user: userId, factor })) return;
  throw new RegistryError('DENIED', 'The code is wrong, or was used before.');
}

async function end(tx: Transaction, { userId, session }: Change): Promise<void> {
  await raiseUserEpoch(tx, userId);
  await keepSession(tx, { userId, session });
  await changeAccess(tx);
}

async function record(
  tx: Transaction,
  act: {
    change: Change;
    user: LockedUser;
    action: string;
    detail: Readonly<Record<string, unknown>>;
  },
): Promise<void> {
  const { change, user, action, detail } = act;
  await recordAct(tx, { actor: change.actor, action, target: `user ${user.name}`, detail });
}

function isOn(): RegistryError {
  return new RegistryError('CONFLICT', 'An authenticator app is on. Take it away first.');
}

function isOff(sentence: string): RegistryError {
  return new RegistryError('CONFLICT', sentence);
}
