// Refresh tokens and those who vouch for their users: whom a provider can end, and whom not.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { SYSTEM } from '../../metadata/audit.ts';
import type { Commands } from '../../metadata/command.ts';
import { AccessDatabase } from '../suite-database.ts';
import { type RefreshParts, useRefreshToken } from './refresh.ts';
import type { RefreshTokenCommands } from './refresh-token.command.ts';
import { hashSecret, newSecret } from './secret.ts';

let database: AccessDatabase;
let asked: string[];
let stands: boolean;
beforeEach(async () => {
  database = await AccessDatabase.open();
  asked = [];
  stands = true;
});
afterEach(() => database.close());

function use(secret: string, passwordsElsewhere: string | undefined): Promise<unknown> {
  const parts: RefreshParts = {
    sql: database,
    commands: {} as Commands<RefreshTokenCommands>,
    now: () => 1,
    async stillStands({ method }) {
      asked.push(method);
      return stands;
    },
    passwordsElsewhere,
  };
  return useRefreshToken(parts, { secret, isToBeReplaced: false, actor: SYSTEM });
}

/** Of a user, asked for with a password or with an access token. */
function give(user: { password: string | null; byToken?: boolean }): string {
  const name = `user${asked.length}`;
  const user_id = database.insert('users', { name, password_hash: user.password });
  const access_token_id =
    user.byToken === true
      ? database.insert('access_tokens', {
          owner_kind: 'user',
          owner_id: user_id,
          hash: hashSecret(name),
        })
      : null;
  const secret = newSecret('epr');
  const hash = hashSecret(secret);
  database.insert('refresh_tokens', { user_id, access_token_id, hash, expires_at: 2 });
  return secret;
}

test('who has no password here was signed in by the directory, which can end it', async () => {
  const secret = give({ password: null });
  await use(secret, 'ldap');
  expect(asked).toEqual(['ldap']);
  stands = false;
  await expect(use(secret, 'ldap')).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
});

test('what a password or an access token of this registry gave is asked about for groups only', async () => {
  await use(give({ password: 'a hash' }), 'ldap');
  await use(give({ password: null, byToken: true }), 'ldap');
  await use(give({ password: null }), undefined);
  expect(asked).toEqual(['', '', '']);
});
