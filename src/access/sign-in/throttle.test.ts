// Failures slow down whoever makes them, and nobody else.
import { beforeEach, describe, expect, test } from 'bun:test';
import { RegistryError } from '../../oci/errors.ts';
import { addressBlock } from './address-block.ts';
import { Throttle } from './throttle.ts';

let time = 0;
let throttle: Throttle;
beforeEach(() => {
  time = 1_800_000_000_000;
  throttle = new Throttle(() => time);
});

const HERE = { account: 'alice', address: '192.0.2.1' };

/** Seconds to wait; 0 = none. */
function waits(attempt = HERE): number {
  try {
    throttle.check(attempt);
    return 0;
  } catch (error) {
    if (!(error instanceof RegistryError) || error.code !== 'TOOMANYREQUESTS') throw error;
    return error.detail?.retryAfterSeconds as number;
  }
}

function fail(times: number, attempt = HERE): void {
  for (let at = 0; at < times; at += 1) throttle.failed(attempt);
}

describe('an account from one address', () => {
  test('waits from the fifth failure on, twice as long each time, a minute at most', () => {
    fail(4);
    expect(waits()).toBe(0);
    const seen: number[] = [];
    for (let at = 0; at < 8; at += 1) {
      fail(1);
      seen.push(waits());
    }
    expect(seen).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  });

  test('may try again when the time is over, and not a moment earlier', () => {
    fail(6);
    time += 1_999;
    expect(waits()).toBe(1);
    time += 1;
    expect(waits()).toBe(0);
  });

  test('is free after a success', () => {
    fail(9);
    throttle.succeeded(HERE);
    expect(waits()).toBe(0);
    fail(4);
    expect(waits()).toBe(0);
  });

  test('is forgiven with time, step by step', () => {
    fail(6);
    time += 10 * 60_000;
    // One of six was forgiven: the next one is the sixth again.
    fail(1);
    expect(waits()).toBe(2);
    time += 24 * 60 * 60_000;
    fail(4);
    expect(waits()).toBe(0);
  });

  test('does not keep others out: neither from elsewhere, nor other accounts from here', () => {
    fail(20);
    expect(waits()).toBe(60);
    expect(waits({ account: 'alice', address: '192.0.2.2' })).toBe(0);
    expect(waits({ account: 'bob', address: '192.0.2.1' })).toBe(0);
  });
});

describe('an address', () => {
  test('waits from the thirtieth failure on, whatever the accounts', () => {
    for (let at = 0; at < 29; at += 1) fail(1, { account: `a${at}`, address: '192.0.2.1' });
    expect(waits({ account: 'new', address: '192.0.2.1' })).toBe(0);
    fail(1, { account: 'a30', address: '192.0.2.1' });
    expect(waits({ account: 'new', address: '192.0.2.1' })).toBe(1);
    expect(waits({ account: 'new', address: '192.0.2.9' })).toBe(0);
  });

  test('is not cleared by a success with an account of its own', () => {
    for (let at = 0; at < 31; at += 1) fail(1, { account: `a${at}`, address: '192.0.2.1' });
    throttle.succeeded({ account: 'own', address: '192.0.2.1' });
    expect(waits({ account: 'new', address: '192.0.2.1' })).toBe(2);
  });

  test('with one machine that has an old password for ever stays open to the others', () => {
    for (let at = 0; at < 1_000; at += 1) {
      fail(1);
      time += 60_000;
    }
    expect(waits({ account: 'bob', address: '192.0.2.1' })).toBe(0);
  });

  test('does not keep out who was right there before, and lets nobody try that account more often', () => {
    throttle.succeeded(HERE);
    for (let at = 0; at < 60; at += 1) fail(1, { ...HERE, account: `other${at}` });
    expect([waits(), waits({ ...HERE, account: 'bob' })]).toEqual([0, 60]);
    fail(6);
    expect(waits()).toBe(2);
    time += 60_000;
    fail(1);
    time += 86_400_000;
    for (let at = 0; at < 60; at += 1) fail(1, { ...HERE, account: `other${at}` });
    expect(waits()).toBe(60);
  });

  test('of IPv6 is its /64', () => {
    for (let at = 0; at < 30; at += 1) {
      fail(1, { account: `a${at}`, address: `2001:db8::${at.toString(16)}` });
    }
    expect(waits({ account: 'new', address: '2001:db8:0:0:ffff::1' })).toBe(1);
    expect(waits({ account: 'new', address: '2001:db8:0:1::1' })).toBe(0);
  });
});

describe('an account over all addresses', () => {
  test('is slower, by two seconds at most, and never closed', () => {
    expect(throttle.delayMs(HERE)).toBe(0);
    for (let at = 0; at < 1_000; at += 1)
      fail(1, { account: 'alice', address: `198.51.100.${at}` });
    expect(throttle.delayMs(HERE)).toBe(2_000);
    expect(waits()).toBe(0);
    expect(throttle.delayMs({ account: 'bob', address: '192.0.2.1' })).toBe(0);
  });
});

describe('codes of a second factor', () => {
  test('wait from the fifth on, wherever they come from, and count before they are compared', () => {
    for (let at = 0; at < 5; at += 1) throttle.beginCode(1);
    expect(() => throttle.beginCode(1)).toThrow('Try again in 1 s.');
    throttle.beginCode(2);
    throttle.codeWasRight(1);
    throttle.beginCode(1);
  });
});

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::1', '0:0:0:0::/64'],
  ['2001:DB8::1', '2001:db8:0:0::/64'],
  ['2001:db8:0001:0002:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::', '2001:db8:1:2::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
  ['', ''],
])('%s counts as %s', (address, block) => {
  expect(addressBlock(address)).toBe(block);
});
