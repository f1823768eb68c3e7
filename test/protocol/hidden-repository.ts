// A private repository, and somebody who may not see it.
import { expect } from 'bun:test';
import { hashSecret, hintOf, newSecret } from '../../src/access/tokens/secret.ts';
import { SYSTEM } from '../../src/metadata/audit.ts';
import { ADMIN_PASSWORD, type TestRegistry } from '../support/entrepot.ts';
import { digestOf, imageManifest, OCI_CONFIG, OCI_MANIFEST } from './push.ts';

export const PRIVATE = 'team/private';
/** As long, so that lengths can be compared too. */
export const ABSENT = 'team/missing';

export const CONFIG = '{"architecture":"amd64","os":"linux"}';
export const BLOB = digestOf(CONFIG);
export const MANIFEST = imageManifest({
  config: { mediaType: OCI_CONFIG, digest: BLOB, size: CONFIG.length },
  layers: [],
});
export const DIGEST = digestOf(MANIFEST);
export const ELSEWHERE = digestOf('not here');

export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** alice may push to `team/own` and nothing else; her narrow token may only pull there. */
export async function addAlice({
  program,
}: TestRegistry): Promise<Record<'all' | 'narrow', string>> {
  const { commands, access } = program;
  const id = await commands.run('createUser', {
    name: 'alice',
    displayName: '',
    email: null,
    passwordHash: null,
    adoptsNamespace: false,
    actor: SYSTEM,
  });
  const subject = { kind: 'user', id } as const;
  await commands.run('addGrant', { subject, path: 'team/own', role: 'writer', actor: SYSTEM });
  const secrets = { all: newSecret('ept'), narrow: newSecret('ept') };
  for (const [name, secret] of Object.entries(secrets)) {
    await commands.run('createAccessToken', {
      owner: { kind: 'user', id },
      name,
      hash: hashSecret(secret),
      hint: hintOf(secret),
      ...(name === 'narrow' && { scopes: [{ actions: ['pull'], names: ['team/own'] }] }),
      expiresAt: null,
      actor: SYSTEM,
    });
  }
  access.standings.changed();
  return secrets;
}

/** bob may push below `team` and not pull. @returns the secret of an access token of his. */
export async function addPusher({ program }: TestRegistry): Promise<string> {
  const { commands, access } = program;
  await commands.run('createRole', { name: 'pusher', actions: ['push'], actor: SYSTEM });
  const id = await commands.run('createUser', {
    name: 'bob',
    displayName: '',
    email: null,
    passwordHash: null,
    adoptsNamespace: false,
    actor: SYSTEM,
  });
  const owner = { kind: 'user', id } as const;
  await commands.run('addGrant', { subject: owner, path: 'team', role: 'pusher', actor: SYSTEM });
  const secret = newSecret('ept');
  const token = { hash: hashSecret(secret), hint: hintOf(secret), expiresAt: null };
  await commands.run('createAccessToken', { owner, name: 'ci', ...token, actor: SYSTEM });
  access.standings.changed();
  return secret;
}

/** Something that refers to the manifest of the private repository. */
export async function pushReferrer(url: string): Promise<void> {
  const manifest = imageManifest({
    config: { mediaType: 'example/sbom', digest: BLOB, size: CONFIG.length },
    layers: [],
    more: { subject: { mediaType: OCI_MANIFEST, digest: DIGEST, size: MANIFEST.length } },
  });
  const headers = { Authorization: basic('admin', ADMIN_PASSWORD), 'Content-Type': OCI_MANIFEST };
  const at = `${url}/v2/${PRIVATE}/manifests/${digestOf(manifest)}`;
  expect((await fetch(at, { method: 'PUT', body: manifest, headers })).status).toBe(201);
}

export async function pushPrivate(url: string): Promise<void> {
  const headers = { Authorization: basic('admin', ADMIN_PASSWORD), 'Content-Type': OCI_MANIFEST };
  const at = `${url}/v2/${PRIVATE}`;
  const blob = { method: 'POST', body: CONFIG, headers };
  expect((await fetch(`${at}/blobs/uploads/?digest=${BLOB}`, blob)).status).toBe(201);
  const manifest = { method: 'PUT', body: MANIFEST, headers };
  expect((await fetch(`${at}/manifests/v1`, manifest)).status).toBe(201);
}

export async function bearerFor(url: string, authorization: string | undefined): Promise<string> {
  const scopes = [PRIVATE, ABSENT].map((name) => `scope=repository:${name}:pull,push,delete`);
  const response = await fetch(`${url}/token?service=any&${scopes.join('&')}`, {
    headers: authorization === undefined ? {} : { Authorization: authorization },
  });
  expect(response.status).toBe(200);
  return `Bearer ${((await response.json()) as { token: string }).token}`;
}

export async function forgetAll({ program }: TestRegistry): Promise<void> {
  const path = 'elsewhere';
  for (const visibility of ['public', null] as const) {
    await program.commands.run('setPathSetting', { path, visibility, actor: SYSTEM });
  }
  program.access.standings.changed();
}
