// Where a pipeline's identity token is found, and what its author is told when there is none.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CiIdentityError, type CiIdentityOptions, findIdentityToken } from './ci-identity.ts';

const audience = 'https://registry.example';
const find = (
  environment: CiIdentityOptions['environment'],
  more: Partial<CiIdentityOptions> = {},
) => findIdentityToken({ environment, audience, ...more });

async function said(found: Promise<unknown>): Promise<string> {
  const error: unknown = await found.then(
    () => new Error('it was found'),
    (reason: unknown) => reason,
  );
  if (error instanceof CiIdentityError) return error.message;
  throw error;
}

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'entrepot-identity-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('variables', () => {
  test('the usual one, and one of another name', async () => {
    const environment = { ENTREPOT_ID_TOKEN: ' a.b.c\n', MINE: 'd.e.f' };
    expect(await find(environment)).toEqual({ jwt: 'a.b.c', from: '$ENTREPOT_ID_TOKEN' });
    expect(await find(environment, { variable: 'MINE' })).toEqual({ jwt: 'd.e.f', from: '$MINE' });
  });

  test('one that was named and is not there is not replaced by another', async () => {
    const environment = { ENTREPOT_ID_TOKEN: 'a.b.c', GITLAB_CI: 'true', EMPTY: ' ' };
    expect(await said(find(environment, { variable: 'EMPTY' }))).toBe(
      `The variable EMPTY is empty or not set. Add "id_tokens: EMPTY: aud: ${audience}" to the job.`,
    );
  });
});

describe('files', () => {
  test('a projected token', async () => {
    const path = join(folder, 'token');
    writeFileSync(path, 'a.b.c\n');
    expect(await find({ ENTREPOT_ID_TOKEN_FILE: path })).toEqual({ jwt: 'a.b.c', from: path });
  });

  test('one that is not there, and one that is empty', async () => {
    const path = join(folder, 'empty');
    writeFileSync(path, '\n');
    expect(await said(find({ ENTREPOT_ID_TOKEN_FILE: path }))).toContain('is empty');
    const absent = join(folder, 'absent');
    expect(await said(find({ ENTREPOT_ID_TOKEN_FILE: absent }))).toContain('cannot be read');
  });
});

describe('GitHub Actions', () => {
  const asked: { url: string; authorization: string | null }[] = [];
  let reply = () => Response.json({ value: 'a.b.c' });
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request) {
      asked.push({ url: request.url, authorization: request.headers.get('authorization') });
      return reply();
    },
  });
  afterAll(() => server.stop(true));
  const environment = {
    GITHUB_ACTIONS: 'true',
    ACTIONS_ID_TOKEN_REQUEST_URL: `${server.url.href}token?api-version=2.0`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'the-secret',
  };

  test('is asked for a token for our audience', async () => {
    expect(await find(environment)).toEqual({ jwt: 'a.b.c', from: 'GitHub Actions' });
    const encoded = encodeURIComponent(audience);
    expect(asked).toEqual([
      {
        url: `${server.url.href}token?api-version=2.0&audience=${encoded}`,
        authorization: 'Bearer the-secret',
      },
    ]);
  });

  test('and what it answers is not believed blindly, nor is its secret shown', async () => {
    for (const answer of [
      () => new Response('no', { status: 403 }),
      () => new Response('<html>'),
      () => Response.json({ value: 7 }),
      () => Response.json(null),
      () => Response.redirect('https://else.example/'),
    ]) {
      reply = answer;
      const message = await said(find(environment));
      expect(message).toMatch(/GitHub (gave no|cannot be asked for an) identity token/);
      expect(message).not.toContain('the-secret');
    }
  });

  test('whose address is none, or which does not answer', async () => {
    const url = { ...environment, ACTIONS_ID_TOKEN_REQUEST_URL: 'x' };
    expect(await said(find(url))).toContain('is no address');
    const fetch = () => Promise.reject(new Error('away'));
    expect(await said(find(environment, { fetch }))).toContain('cannot be asked');
  });

  test('without the permission: what to add', async () => {
    expect(await said(find({ GITHUB_ACTIONS: 'true' }))).toContain('permissions: id-token: write');
  });
});

test('nowhere', async () => {
  expect(await said(find({}))).toMatch(/^There is no identity token here: .*entrepot\.$/);
});
