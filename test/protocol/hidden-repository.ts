// A private repository, and somebody who may not see it.
import { expect } from 'bun:test';
import { SYSTEM } from '../../src/metadata/audit.ts';
import { ADMIN_PASSWORD, type TestRegistry } from '../support/entrepot.ts';
import { addAccessToken, addUser, basic, grant } from '../support/people.ts';
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

/** alice may push to `team/own` and nothing else; her narrow token may only pull there. */
export async function addAlice(registry: TestRegistry): Promise<Record<'all' | 'narrow', string>> {
  const owner = { kind: 'user', id: await addUser(registry, { name: 'alice' }) } as const;
  await grant(registry, { to: owner, path: 'team/own', role: 'writer' });
  const scopes = [{ actions: ['pull'], names: ['team/own'] }] as const;
  const all = await addAccessToken(registry, { owner });
  const narrow = await addAccessToken(registry, { owner, scopes });
  return { all: all.secret, narrow: narrow.secret };
}

/** bob may push below `team` and not pull. @returns the secret of an access token of his. */
export async function addPusher(registry: TestRegistry): Promise<string> {
  const { commands } = registry.program;
  await commands.run('createRole', { name: 'pusher', actions: ['push'], actor: SYSTEM });
  const owner = { kind: 'user', id: await addUser(registry, { name: 'bob' }) } as const;
  await grant(registry, { to: owner, path: 'team', role: 'pusher' });
  return (await addAccessToken(registry, { owner })).secret;
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
