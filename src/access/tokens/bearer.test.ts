// Bearer tokens that are not ours, not any more, or not for here: none of them counts, and none is a fault.
import { beforeEach, describe, expect, test } from 'bun:test';
import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { BearerError, BearerVerifier, type SigningKey, signBearer } from './bearer.ts';

const SERVICE = 'this registry';
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const key: SigningKey = { kid: 'ours', privateKey };

let time: number;
let verifier: BearerVerifier;
let asked: string[];
beforeEach(() => {
  time = 1_800_000_000_000;
  asked = [];
  verifier = new BearerVerifier({
    async findKey(kid) {
      asked.push(kid);
      return kid === 'ours' ? publicKey : undefined;
    },
    serviceId: SERVICE,
    now: () => time,
  });
});

const claimsOf = (change: { serviceId?: string; lifetime?: number } = {}) => ({
  identity: {
    principal: { kind: 'user', id: 7, name: 'alice' },
    credential: { kind: 'access-token', id: 3 },
    epoch: 2,
  } as const,
  access: [{ type: 'repository', name: 'team/app', actions: ['pull'] }] as const,
  issuedAt: time / 1000,
  expiresAt: time / 1000 + (change.lifetime ?? 300),
  serviceId: change.serviceId ?? SERVICE,
});
const ours = () => signBearer(key, claimsOf());

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const payloadOf = (token: string) => token.split('.')[1] ?? '';

/** The claims of a good token, under another header, signed by `made`. */
function forged(header: object, made: (signed: string) => Buffer | string): string {
  const signed = `${encode(header)}.${payloadOf(ours())}`;
  const signature = made(signed);
  return `${signed}.${typeof signature === 'string' ? signature : signature.toString('base64url')}`;
}

async function faultOf(token: string): Promise<string> {
  try {
    verifier.known(token);
    await verifier.verify(token);
  } catch (error) {
    if (error instanceof BearerError) return error.fault;
    throw error;
  }
  return 'none';
}

const ES256 = { typ: 'JWT', alg: 'ES256', kid: 'ours' };
const rightly = (signed: string, by = privateKey) =>
  sign('sha256', Buffer.from(signed), { key: by, dsaEncoding: 'ieee-p1363' });

test('what was signed is what is read', async () => {
  const { access: _, issuedAt: _issued, serviceId: _service, ...claims } = claimsOf();
  const bearer = await verifier.verify(ours());
  expect(bearer.identity).toEqual(claims.identity);
  expect(bearer.repositories).toEqual(new Map([['team/app', ['pull']]]));
  expect([bearer.isForCatalog, bearer.expiresAt]).toEqual([false, claims.expiresAt * 1000]);
});

describe('another algorithm', () => {
  const pem = createPublicKey(privateKey).export({ format: 'pem', type: 'spki' });
  const hmac = (signed: string) => createHmac('sha256', pem).update(signed).digest();
  const cases: readonly (readonly [string, object, (signed: string) => Buffer | string])[] = [
    ['none, without a signature', { ...ES256, alg: 'none' }, () => ''],
    ['none, in another spelling', { ...ES256, alg: 'NoNe' }, () => ''],
    ['a secret that is the public key', { ...ES256, alg: 'HS256' }, hmac],
    ['another curve', { ...ES256, alg: 'ES384' }, rightly],
    ['a list', { ...ES256, alg: ['ES256'] }, rightly],
    ['no algorithm', { typ: 'JWT', kid: 'ours' }, rightly],
    ['no key', { typ: 'JWT', alg: 'ES256' }, rightly],
    ['a key that is no text', { ...ES256, kid: { toString: 'ours' } }, rightly],
  ];
  test.each(cases)('%s is not looked at', async (_, header, made) => {
    expect(await faultOf(forged(header, made))).toBe('malformed');
    expect(asked).toEqual([]);
  });
});

test('the key in the token itself, or where it says, is not used', async () => {
  const theirs = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = theirs.publicKey.export({ format: 'jwk' });
  const by = (signed: string) => rightly(signed, theirs.privateKey);
  const header = { ...ES256, jwk, jku: 'https://attacker.example/keys', x5u: 'https://x.example' };
  expect(await faultOf(forged(header, by))).toBe('forged');
  expect(await faultOf(forged({ ...header, kid: '../../ours' }, by))).toBe('unknown-key');
  expect(await faultOf(forged({ ...header, kid: '__proto__' }, by))).toBe('unknown-key');
});

test.each([
  ['empty', () => Buffer.alloc(0)],
  ['of zeros', () => Buffer.alloc(64)],
  ['too short', (signed: string) => rightly(signed).subarray(0, 63)],
  ['too long', (signed: string) => Buffer.concat([rightly(signed), Buffer.alloc(1)])],
  ['in the other form', (signed: string) => sign('sha256', Buffer.from(signed), privateKey)],
  ['of something else', () => rightly('something else')],
] as const)('a signature that is %s', async (_, made) => {
  expect(await faultOf(forged(ES256, made))).toBe('forged');
});

test('what is no token at all', async () => {
  const good = ours();
  for (const text of ['', '.', '..', '...', 'a.b.c', good.slice(0, good.lastIndexOf('.'))]) {
    expect([text, await faultOf(text)]).toEqual([text, 'malformed']);
  }
  for (const text of [`${good}.x`, `${good}.${good}`, `${encode(null)}.${encode(1)}.x`]) {
    expect(await faultOf(text)).toBe('malformed');
  }
  expect(await faultOf(`${encode(ES256)}.${'a'.repeat(70_000)}.x`)).toBe('malformed');
});

test('one of another registry, and one that has expired, also when it was good before', async () => {
  expect(await faultOf(signBearer(key, claimsOf({ serviceId: 'another' })))).toBe(
    'for-another-service',
  );
  const token = ours();
  expect(await faultOf(token)).toBe('none');
  time += 300_000;
  expect([await faultOf(token), await faultOf(token)]).toEqual(['expired', 'expired']);
});
