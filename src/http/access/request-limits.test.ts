// Limits on requests: whose they are, and how they come back.
import { beforeEach, expect, test } from 'bun:test';
import { ANONYMOUS, NO_CREDENTIAL, type Principal } from '../../access/principal.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { Caller } from './caller.ts';
import { RequestLimits } from './request-limits.ts';

const RATE = { perSecond: 2, burst: 3 };

let time: number;
let limits: RequestLimits;
beforeEach(() => {
  time = 0;
  limits = new RequestLimits({ signedIn: RATE, anonymous: RATE }, () => time);
});

function caller(principal: Principal): Caller {
  return {
    shown: 'basic',
    identity: { principal, credential: NO_CREDENTIAL, epoch: 0 },
    standing: { principal, rights: [] },
    bearer: undefined,
  };
}

const alice = caller({ kind: 'user', id: 1, name: 'alice' });
const bob = caller({ kind: 'user', id: 2, name: 'bob' });
const nobody = caller(ANONYMOUS);

/** Seconds to wait; 0 = it was let through. */
function take(who: Caller, address = '192.0.2.1'): number {
  try {
    limits.take(who, { client: () => address });
    return 0;
  } catch (error) {
    if (!(error instanceof RegistryError) || error.code !== 'TOOMANYREQUESTS') throw error;
    return Number(error.detail?.retryAfterSeconds);
  }
}

const takeAll = (who: Caller, address?: string) => {
  for (let at = 0; at < RATE.burst; at += 1) expect(take(who, address)).toBe(0);
};

test('so many at once, then as they come back', () => {
  takeAll(alice);
  expect([take(alice), take(alice)]).toEqual([1, 1]);
  time += 499;
  expect(take(alice)).toBe(1);
  time += 1;
  expect([take(alice), take(alice)]).toEqual([0, 1]);
  time += 3_600_000;
  takeAll(alice);
  expect(take(alice)).toBe(1);
});

test('each signed-in user has them alone, from wherever they come', () => {
  takeAll(alice, '192.0.2.1');
  expect([take(alice, '192.0.2.2'), take(bob, '192.0.2.1')]).toEqual([1, 0]);
});

test('who has not signed in shares them with their address, of IPv6 with its network', () => {
  takeAll(nobody, '192.0.2.1');
  expect([take(nobody, '192.0.2.1'), take(nobody, '192.0.2.2'), take(alice)]).toEqual([1, 0, 0]);
  takeAll(nobody, '2001:db8::1');
  expect(take(nobody, '2001:db8::ffff:2')).toBe(1);
  expect(take(nobody, '2001:db8:0:1::1')).toBe(0);
});
