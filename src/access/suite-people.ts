// Somebody of each kind in a database of tests, with a credential of each kind.
import type { Principal } from './principal.ts';
import type { Identity } from './standing.ts';
import type { AccessDatabase, Row } from './suite-database.ts';

export const START = Date.parse('2026-06-15T12:00:00Z');
export const HOUR_MS = 3_600_000;

/** Rows get numbers that are not all 1, so that an id of one table is not taken for another's. */
export function insertUser(database: AccessDatabase, row: Row = {}): number {
  return database.insert('users', { id: 12, name: 'alice', ...row });
}

export function insertRobot(database: AccessDatabase, row: Row = {}): number {
  return database.insert('robots', { id: 23, path: 'team', name: 'deployer', ...row });
}

export function insertPolicy(database: AccessDatabase, row: Row = {}): number {
  const grants = JSON.stringify([{ actions: ['pull', 'push'], names: ['team/{project}'] }]);
  return database.insert('trust_policies', { id: 34, path: 'team', name: 'ci', grants, ...row });
}

export function insertToken(database: AccessDatabase, row: Row): number {
  return database.insert('access_tokens', { id: 45, hash: new Uint8Array([1]), ...row });
}

export function insertSession(database: AccessDatabase, row: Row = {}): number {
  const hash = new Uint8Array([2]);
  return database.insert('sessions', {
    id: 56,
    user_id: 12,
    hash,
    expires_at: START + HOUR_MS,
    ...row,
  });
}

export const ALICE: Principal = { kind: 'user', id: 12, name: 'alice' };
export const ROBOT: Principal = { kind: 'robot', id: 23, name: '' };
export const PIPELINE: Principal = { kind: 'workload', id: 34, name: '' };

export const BY_PASSWORD: Identity = {
  principal: ALICE,
  credential: { kind: 'password' },
  epoch: 1,
};
export const BY_SESSION: Identity = {
  principal: ALICE,
  credential: { kind: 'session', id: 56 },
  epoch: 1,
};

export function byToken(principal: Principal): Identity {
  return { principal, credential: { kind: 'access-token', id: 45 }, epoch: 0 };
}
