// People and what they may, in a registry of this process: put there by the program's own commands.
import type { Action } from '../../src/access/action.ts';
import type { Condition } from '../../src/access/condition.ts';
import { hashSecret, hintOf, newSecret } from '../../src/access/tokens/secret.ts';
import type { SubjectKind, Visibility } from '../../src/metadata/access-schema.ts';
import { SYSTEM } from '../../src/metadata/audit.ts';
import type { TestRegistry } from './entrepot.ts';

const actor = SYSTEM;

/** @returns the id. */
export async function addUser(
  { program }: TestRegistry,
  { name, password }: { name: string; password?: string },
): Promise<number> {
  const { passwords } = program.access.signIn;
  const passwordHash = password === undefined ? null : await passwords.hash(password);
  const user = { name, displayName: '', email: null, passwordHash, adoptsNamespace: false };
  return program.commands.run('createUser', { ...user, actor });
}

export interface Given {
  readonly to: { readonly kind: SubjectKind; readonly id: number };
  readonly role: string;
  readonly path: string;
  readonly tags?: readonly string[];
  readonly condition?: Condition;
}

/** @returns the id. */
export async function grant({ program }: TestRegistry, given: Given): Promise<number> {
  const { to: subject, ...rest } = given;
  const id = await program.commands.run('addGrant', { ...rest, subject, actor });
  program.access.standings.changed();
  return id;
}

export async function setVisibility(
  { program }: TestRegistry,
  setting: { path: string; visibility: Visibility | null },
): Promise<void> {
  await program.commands.run('setPathSetting', { ...setting, actor });
  program.access.standings.changed();
}

export interface TokenGiven {
  readonly owner: { readonly kind: 'user' | 'robot'; readonly id: number };
  readonly scopes?: readonly {
    readonly actions: readonly Action[];
    readonly names: readonly string[];
  }[];
  readonly condition?: Condition;
  readonly expiresAt?: number;
}

export async function addAccessToken(
  { program }: TestRegistry,
  { expiresAt, ...given }: TokenGiven,
): Promise<{ id: number; secret: string }> {
  const secret = newSecret('ept');
  const id = await program.commands.run('createAccessToken', {
    ...given,
    name: 'for a test',
    hash: hashSecret(secret),
    hint: hintOf(secret),
    expiresAt: expiresAt ?? null,
    actor,
  });
  return { id, secret };
}

export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
