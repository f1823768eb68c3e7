import { expect, test } from 'bun:test';
import type { ActiveSession } from '../../access/sign-in/session.ts';
import { SYSTEM } from '../../metadata/audit.ts';
import { ExternalSessions } from './external-sessions.ts';

const MINUTE = 60_000;

function session(method: string, createdAt = 0): ActiveSession {
  return { id: 5, userId: 3, method, createdAt } as unknown as ActiveSession;
}

function scene(stands: () => Promise<boolean>) {
  const state = { now: 0, asked: 0, ended: [] as unknown[], failed: [] as unknown[] };
  const sessions = new ExternalSessions({
    external: {
      stillStands: async () => {
        state.asked += 1;
        return stands();
      },
    },
    endSession: async ({ id, userId }) => void state.ended.push({ id, userId }),
    failed: (error) => void state.failed.push(error),
    now: () => state.now,
  });
  const useAt = async (minutes: number, method = 'oidc:company') => {
    state.now = minutes * MINUTE;
    await sessions.used(session(method), SYSTEM);
  };
  return { state, useAt };
}

test('a provider is asked again every five minutes that a session is used', async () => {
  const { state, useAt } = scene(async () => true);
  for (const minutes of [1, 4, 6, 7, 10, 11, 30]) await useAt(minutes);
  expect(state).toMatchObject({ asked: 3, ended: [], failed: [] });
});

test('sessions of passwords and passkeys of this registry are nobody else’s business', async () => {
  const { state, useAt } = scene(async () => false);
  for (const method of ['password', 'password+totp', 'passkey']) await useAt(60, method);
  expect(state).toMatchObject({ asked: 0, ended: [] });
});

test('a session ends when its provider no longer stands by its user', async () => {
  const { state, useAt } = scene(async () => false);
  await useAt(6, 'ldap');
  expect(state.ended).toEqual([{ id: 5, userId: 3 }]);
});

test('a provider that is away changes nothing', async () => {
  const away = new Error('away');
  const { state, useAt } = scene(() => Promise.reject(away));
  await useAt(6);
  expect(state).toMatchObject({ ended: [], failed: [away] });
});
