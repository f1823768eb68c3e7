import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findClient, pinnedClients } from './clients.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'entrepot-clients-'));
});
afterEach(() => rmSync(home, { recursive: true }));

function program(path: string, mode = 0o755): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '#!/bin/sh\n', { mode });
  return path;
}

test('every pinned client has a full version', () => {
  const pinned = pinnedClients();
  expect([...pinned.keys()].sort()).toEqual(['cosign', 'crane', 'helm', 'oras', 'regctl']);
  for (const version of pinned.values()) expect(version).toMatch(/^v\d+\.\d+\.\d+$/);
});

test('the pinned build comes before a program on PATH', () => {
  const version = pinnedClients().get('crane');
  const onPath = program(join(home, 'bin/crane'));
  const env = { HOME: home, PATH: `/nowhere:${join(home, 'bin')}` };
  expect(findClient('crane', env)).toBe(onPath);
  const built = program(join(home, `.cache/entrepot/clients/crane@${version}/crane`));
  expect(findClient('crane', env)).toBe(built);
  expect(findClient('crane', { ...env, XDG_CACHE_HOME: join(home, 'elsewhere') })).toBe(onPath);
});

test('what is absent or may not be run is not found', () => {
  program(join(home, 'bin/skopeo'), 0o644);
  const env = { HOME: home, PATH: join(home, 'bin') };
  expect(findClient('skopeo', env)).toBeUndefined();
  expect(findClient('crane', env)).toBeUndefined();
});
