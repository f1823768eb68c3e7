// Pipelines that sign in with tokens of their own issuer, on every engine.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { findAccessToken } from '../../metadata/access-facts.ts';
import { EndedError } from '../standing.ts';
import { hashSecret, secretKind } from '../tokens/secret.ts';
import { githubClaims, gitlabClaims, times } from './suite-issuer.ts';
import { CALLER, Keyless, type OpenWorkloads, refusedWith } from './suite-workloads.ts';

export function describeWorkloads(name: string, open: OpenWorkloads): void {
  describe(name, () => {
    const keyless = new Keyless();
    beforeAll(() => keyless.open(open), 60_000);
    afterAll(() => keyless.close());

    describeExchange(keyless);
    describeDirect(keyless);
    describeRefusals(keyless);
    describeChoice(keyless);
  });
}

const now = () => times(Date.now());
const PUSH = { action: 'push' } as const;

function describeExchange(keyless: Keyless): void {
  test('a GitLab-style token is exchanged, and pushes within its claims only', async () => {
    const audience = keyless.audience();
    const id = await keyless.policy({
      path: 'lab',
      name: 'ci',
      audience,
      conditions: { project_path: 'group/*', ref_protected: 'true' },
      names: ['lab/{project_path}', 'lab/{project_path}/**'],
      lifetimeSeconds: 900,
    });
    const jwt = await keyless.issuer.sign({ ...gitlabClaims(), aud: [audience, 'x'], ...now() });
    const { secret, identity, expiresAt } = await keyless.workloads.exchange({
      jwt,
      actor: CALLER,
    });
    expect(secretKind(secret)).toBe('ept');
    expect(identity.principal).toEqual({ kind: 'workload', id, name: gitlabClaims().sub });
    const found = await findAccessToken(keyless.opened.sql, hashSecret(secret));
    expect(identity.credential).toEqual({ kind: 'access-token', id: found?.id ?? 0 });
    const row = (await keyless.tokens()).find((token) => token.id === found?.id);
    expect(row?.expires_at).toBe(expiresAt);
    // Both by the clock of the database, the one a moment after the other.
    expect(Math.round((expiresAt - (row?.created_at ?? 0)) / 60_000)).toBe(15);
    for (const [path, isAllowed] of [
      ['lab/group/sub/app', true],
      ['lab/group/sub/app/cache', true],
      ['lab/group/sub/other', false],
      ['lab/group/sub', false],
      ['other/group/sub/app', false],
    ] as const) {
      expect([path, (await keyless.verdict(identity, { ...PUSH, path })).isAllowed]).toEqual([
        path,
        isAllowed,
      ]);
    }
    const removal = { action: 'delete', path: 'lab/group/sub/app' } as const;
    expect((await keyless.verdict(identity, removal)).isAllowed).toBe(false);
  });

  test('the act is on record, without any secret', async () => {
    const act = await keyless.lastAct();
    expect(act).toMatchObject({
      action: 'workload.exchange',
      outcome: 'done',
      actor: gitlabClaims().sub,
      target: 'trust policy lab:ci',
      address: '192.0.2.9',
      request_id: 'r7',
    });
    expect(act.principal).toMatch(/^workload:\d+$/);
    expect(act.credential).toMatch(/^access-token:\d+$/);
    expect(JSON.parse(act.detail)).toMatchObject({
      issuer: keyless.issuer.issuer,
      claims: { project_path: 'group/sub/app' },
      tokenId: '235b',
    });
    expect(JSON.stringify(act)).not.toMatch(/ept_|eyJ/);
  });

  test('a policy that changes ends what it gave', async () => {
    const audience = keyless.audience();
    const conditions = { sub: ['*'], repository: ['Octo/App'] };
    const policy = { path: 'ended', name: 'ci', audience, conditions, names: ['ended/app'] };
    const id = await keyless.policy(policy);
    const jwt = await keyless.issuer.sign({ ...githubClaims(), aud: audience, ...now() });
    const { identity } = await keyless.workloads.exchange({ jwt, actor: CALLER });
    const question = { ...PUSH, path: 'ended/app' };
    expect((await keyless.verdict(identity, question)).isAllowed).toBe(true);
    await keyless.opened.commands.run('disableTrustPolicy', { id, actor: CALLER });
    await expect(keyless.verdict(identity, question)).rejects.toThrow(EndedError);
    const refused = await refusedWith(keyless.workloads.exchange({ jwt, actor: CALLER }));
    expect(refused.message).not.toContain('ended');
    await keyless.opened.commands.run('enableTrustPolicy', { id, actor: CALLER });
    await expect(keyless.verdict(identity, question)).rejects.toThrow(EndedError);
  });
}

function describeDirect(keyless: Keyless): void {
  const sign = async (audience: string, claims: object = {}) =>
    keyless.issuer.sign({ ...githubClaims(), aud: audience, ...now(), ...claims });

  test('a GitHub-style token is a password, as one token however often and at once', async () => {
    const audience = keyless.audience();
    const conditions = { repository: 'Octo/App', ref: 'refs/heads/main' };
    const names = ['hub/{repository}'];
    await keyless.policy({ path: 'hub', name: 'ci', audience, conditions, names });
    const jwt = await sign(audience);
    const count = (await keyless.tokens()).length;
    const all = await Promise.all(
      Array.from({ length: 8 }, () => keyless.workloads.signIn({ jwt, actor: CALLER })),
    );
    const again = await keyless.workloads.signIn({ jwt, actor: CALLER });
    expect(new Set([...all, again].map((one) => JSON.stringify(one))).size).toBe(1);
    const rows = await keyless.tokens();
    expect(rows.length).toBe(count + 1);
    expect(rows.at(-1)?.expires_at).toBe(githubExpiry(jwt));
    const allowed = await keyless.verdict(again.identity, { ...PUSH, path: 'hub/octo/app' });
    expect(allowed).toEqual({
      isAllowed: true,
      reason: 'the trust policy hub:ci gives push on hub/octo/app',
    });
  });

  test('it cannot be found as a secret of ours, whole or in part', async () => {
    const audience = keyless.audience();
    const conditions = { repository: 'Octo/App' };
    await keyless.policy({ path: 'hash', name: 'ci', audience, conditions, names: ['hash/app'] });
    const jwt = await sign(audience);
    await keyless.workloads.signIn({ jwt, actor: CALLER });
    const signed = jwt.slice(0, jwt.lastIndexOf('.'));
    for (const text of [jwt, signed]) {
      expect(await findAccessToken(keyless.opened.sql, hashSecret(text))).toBeUndefined();
    }
  });

  test('that was revoked stays so, also written in another way', async () => {
    const audience = keyless.audience();
    const conditions = { repository: 'Octo/App' };
    const policy = { path: 'revoked', name: 'ci', audience, conditions, names: ['revoked/app'] };
    await keyless.policy(policy);
    const jwt = await sign(audience);
    const { identity } = await keyless.workloads.signIn({ jwt, actor: CALLER });
    const { credential } = identity;
    if (credential.kind !== 'access-token') throw new Error('it signed in by something else');
    await keyless.opened.commands.run('revokeAccessToken', { id: credential.id, actor: CALLER });
    const padded = `${jwt}=`;
    for (const form of [jwt, padded]) {
      const signIn = await keyless.workloads
        .signIn({ jwt: form, actor: CALLER })
        .catch(() => undefined);
      if (signIn === undefined) continue;
      expect(signIn.identity).toEqual(identity);
      const question = { ...PUSH, path: 'revoked/app' };
      await expect(keyless.verdict(signIn.identity, question)).rejects.toThrow(EndedError);
    }
  });

  test('goes on under the policy as it is now', async () => {
    const audience = keyless.audience();
    const conditions = { repository: 'Octo/App' };
    const policy = { path: 'moved', name: 'ci', audience, conditions, names: ['moved/{actor}'] };
    const id = await keyless.policy(policy);
    const jwt = await sign(audience);
    const first = await keyless.workloads.signIn({ jwt, actor: CALLER });
    expect(
      (await keyless.verdict(first.identity, { ...PUSH, path: 'moved/alice' })).isAllowed,
    ).toBe(true);
    await keyless.opened.commands.run('updateTrustPolicy', {
      id,
      issuer: keyless.issuer.issuer,
      audience,
      conditions: { repository: ['Octo/App'] },
      grants: [{ actions: ['push'], names: ['moved/{ref_type}'] }],
      lifetimeMs: 60_000,
      actor: CALLER,
    });
    const question = { ...PUSH, path: 'moved/branch' };
    await expect(keyless.verdict(first.identity, question)).rejects.toThrow(EndedError);
    const second = await keyless.workloads.signIn({ jwt, actor: CALLER });
    expect(second.identity).toEqual(first.identity);
    expect((await keyless.verdict(second.identity, question)).isAllowed).toBe(true);
    const before = { ...PUSH, path: 'moved/alice' };
    expect((await keyless.verdict(second.identity, before)).isAllowed).toBe(false);
  });
}

function githubExpiry(jwt: string): number {
  const claims = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString());
  return claims.exp * 1000;
}

function describeRefusals(keyless: Keyless): void {
  test('the holder hears which condition failed, and so does the record', async () => {
    const audience = keyless.audience();
    const conditions = { repository: 'Octo/App', ref: ['refs/heads/main', 'refs/tags/*'] };
    const names = ['told/app'];
    await keyless.policy({ path: 'told', name: 'ci', audience, conditions, names });
    const claims = { ...githubClaims('Octo/App', 'refs/heads/dev'), aud: audience, ...now() };
    const jwt = await keyless.issuer.sign(claims);
    const count = keyless.refusals.length;
    const error = await refusedWith(keyless.workloads.exchange({ jwt, actor: CALLER }));
    const sentence =
      'told:ci: ref is refs/heads/dev, the policy wants refs/heads/main or refs/tags/*';
    expect(error.code).toBe('UNAUTHORIZED');
    expect(error.message).toContain(sentence);
    expect(keyless.refusals.slice(count)).toMatchObject([
      { action: 'workload.exchange', outcome: 'refused', actor: CALLER },
    ]);
    expect(JSON.stringify(keyless.refusals.at(-1)?.detail)).toContain(sentence);
    expect(JSON.stringify(keyless.refusals)).not.toContain(jwt.split('.')[2]);
  });

  test('a token for somebody else is told so', async () => {
    const audience = keyless.audience();
    const conditions = { repository: 'Octo/App' };
    await keyless.policy({ path: 'aud', name: 'ci', audience, conditions, names: ['aud/app'] });
    const aud = `${audience}/else`;
    const jwt = await keyless.issuer.sign({ ...githubClaims(), aud, ...now() });
    const policy = 'aud:ci';
    const error = await refusedWith(keyless.workloads.exchange({ jwt, policy, actor: CALLER }));
    expect(error.message).toContain(`aud is ${aud}, the policy wants ${audience}`);
  });

  test('one that expired is told so', async () => {
    const at = Math.floor(Date.now() / 1000) - 3_600;
    const old = { iat: at - 300, nbf: at - 300, exp: at };
    const jwt = await keyless.issuer.sign({ ...githubClaims(), ...old });
    const error = await refusedWith(keyless.workloads.signIn({ jwt, actor: CALLER }));
    expect(error.message).toContain(`expired at ${new Date(at * 1000).toISOString()}`);
  });

  test('a forged one and one of an issuer that nobody trusts are answered alike', async () => {
    const key = new Uint8Array(32);
    const good = await keyless.issuer.sign({ ...githubClaims(), ...now() });
    const forged = `${good.slice(0, good.lastIndexOf('.'))}.${Buffer.from(key).toString('base64url')}`;
    const strange = await keyless.issuer.sign({
      ...githubClaims(),
      ...now(),
      iss: 'https://nobody.example',
    });
    const unknown = await keyless.issuer.sign({ ...githubClaims(), ...now() }, { kid: 'other' });
    const answers = await Promise.all(
      [forged, strange, unknown].map(async (jwt) => {
        const error = await refusedWith(keyless.workloads.signIn({ jwt, actor: CALLER }));
        return { code: error.code, message: error.message, detail: error.detail };
      }),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]?.message).toStartWith('The identity token was not accepted');
  });

  test('nothing is stored for one that was refused', async () => {
    const count = (await keyless.tokens()).length;
    await refusedWith(keyless.workloads.signIn({ jwt: 'a.b.c', actor: CALLER }));
    expect((await keyless.tokens()).length).toBe(count);
  });
}

function describeChoice(keyless: Keyless): void {
  test('of several that fit the first by name is taken, or the one that is asked for', async () => {
    const audience = keyless.audience();
    const conditions = { repository: 'Octo/App' };
    for (const [path, name] of [
      ['pick/b', 'a'],
      ['pick/a', 'z'],
      ['pick/a', 'b'],
    ] as const) {
      await keyless.policy({ path, name, audience, conditions, names: [`${path}/${name}`] });
    }
    const jwt = await keyless.issuer.sign({ ...githubClaims(), aud: audience, ...now() });
    const first = await keyless.workloads.exchange({ jwt, actor: CALLER });
    expect((await keyless.verdict(first.identity, { ...PUSH, path: 'pick/a/b' })).isAllowed).toBe(
      true,
    );
    const asked = { jwt, policy: 'pick/b:a', actor: CALLER };
    const second = await keyless.workloads.exchange(asked);
    expect((await keyless.verdict(second.identity, { ...PUSH, path: 'pick/b/a' })).isAllowed).toBe(
      true,
    );
    const absent = await refusedWith(keyless.workloads.exchange({ ...asked, policy: 'pick/b:no' }));
    expect(absent.message).toContain('not the trust policy pick/b:no');
  });
}
