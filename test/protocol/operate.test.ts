// Running a registry: probes, metrics and counts over the wire.
import { Database } from 'bun:sqlite';
import { describe, expect, test } from 'bun:test';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AccessLine } from '../../src/http/answer.ts';
import { ADMIN_PASSWORD, startTestRegistry } from '../support/entrepot.ts';
import { startAlteredHost } from './altered-host.ts';
import { askApi, basic, bearer, PASSWORD } from './api-world.ts';
import { newName, pushBlob, pushImage, startUpload } from './push.ts';

async function metricsOf(url: string): Promise<Map<string, number>> {
  const authorization = `Basic ${Buffer.from(`admin:${ADMIN_PASSWORD}`).toString('base64')}`;
  const text = await (await fetch(`${url}/metrics`, { headers: { authorization } })).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

describe('a running registry', () => {
  test('counts what it does', async () => {
    const registry = await startTestRegistry();
    const { url } = registry;
    const name = newName();
    const { digest, layer } = await pushImage(url, name, { reference: 'v1' });
    await pushBlob(url, name, new Uint8Array(100_000));
    for (let i = 0; i < 20; i++) await fetch(`${url}/v2/${name}/manifests/${digest}`);
    await fetch(`${url}/v2/${name}/blobs/${layer.digest}`);
    await fetch(`${url}/v2/${name}/manifests/none`);
    await startUpload(url, name);
    const metrics = await metricsOf(url);
    const count = (key: string) => metrics.get(key) ?? 0;
    expect(count('entrepot_requests_total{operation="pull-manifest",status="200"}')).toBe(20);
    expect(count('entrepot_requests_total{operation="pull-manifest",status="404"}')).toBe(1);
    expect(count('entrepot_requests_total{operation="push-manifest",status="201"}')).toBe(1);
    expect(count('entrepot_request_duration_seconds_count{operation="pull-blob"}')).toBe(1);
    expect(count('entrepot_bytes_received_total')).toBeGreaterThan(100_000);
    expect(count('entrepot_bytes_sent_total')).toBeGreaterThan(0);
    expect(count('entrepot_uploads_open')).toBe(1);
    expect(count('entrepot_uploads_receiving')).toBe(0);
    expect(count('entrepot_commit_commands_count')).toBeGreaterThan(0);
    expect(count('entrepot_commit_duration_seconds_count{synced="true"}')).toBeGreaterThan(0);
    const stored = 'entrepot_storage_duration_seconds_count{operation="commit",fault=""}';
    expect(count(stored)).toBe(1);
    expect([...metrics.keys()].some((key) => key.startsWith('entrepot_jobs{'))).toBe(true);
    expect(count('entrepot_disk_free_bytes')).toBeGreaterThan(0);
    expect(metrics.get('entrepot_damaged_blobs')).toBe(0);
    expect(metrics.get('entrepot_job_failures{kind="collect"}')).toBe(0);
    expect(metrics.get('entrepot_collection_freed_bytes_total')).toBe(0);
    const oldest = 'entrepot_collection_oldest_waiting_timestamp_seconds';
    expect(count(`${oldest}{what="rights"}`)).toBeGreaterThan(Date.now() / 1000 - 600);
    await registry.stop();
    expect(registry.faults).toEqual([]);
  });

  test('tells its metrics to an administrator, and to nobody else', async () => {
    const registry = await startTestRegistry({ isPrivate: true });
    const { url } = registry;
    const admin = basic('admin', ADMIN_PASSWORD);
    const user = { name: 'carol', password: PASSWORD };
    await askApi(url, { method: 'POST', path: '/users', body: user, headers: admin });
    const made = { method: 'POST', path: '/tokens', body: { name: 'metrics' }, headers: admin };
    const { secret } = (await askApi(url, made)).body;
    const given = await fetch(`${url}/token`, { headers: admin });
    const { token } = (await given.json()) as { token: string };
    const status = async (headers: Record<string, string>) =>
      (await fetch(`${url}/metrics`, { headers })).status;
    expect(await status(admin)).toBe(200);
    expect(await status(bearer(secret))).toBe(200);
    expect(await status({})).toBe(401);
    expect(await status(basic('carol', PASSWORD))).toBe(403);
    expect(await status(bearer(token))).toBe(401);
    // Of a token for it that nobody has set.
    expect(await status({ Authorization: 'Bearer ' })).toBe(401);
    expect(await status({ Authorization: 'Bearer undefined' })).toBe(401);
    await registry.stop();
    expect(registry.faults).toEqual([]);
  });

  test('is not ready without its store, tells the log why, and lives', async () => {
    const registry = await startTestRegistry();
    const { url, directory } = registry;
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    renameSync(join(directory, 'uploads'), join(directory, 'gone'));
    const lost = await fetch(`${url}/readyz`);
    expect(lost.status).toBe(503);
    const text = await lost.text();
    expect(text).toContain('the blob store cannot be used');
    expect(text).not.toContain(directory);
    // Work in the background may have met the same.
    const causes = registry.faults.map((fault) => String((fault as Error).cause));
    expect(causes.join()).toContain('BlobStoreError');
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    expect((await fetch(`${url}/v2/`)).status).toBe(401);
    renameSync(join(directory, 'gone'), join(directory, 'uploads'));
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    registry.program.drain();
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    await registry.stop();
  });

  test('a push that its store cannot take is a 5xx that says so, and pulls go on', async () => {
    const registry = await startTestRegistry();
    const { url, directory } = registry;
    const name = newName();
    const { manifest } = await pushImage(url, name, { reference: 'v1' });
    renameSync(join(directory, 'uploads'), join(directory, 'gone'));
    const location = await startUpload(url, name);
    const failed = await fetch(url + location, { method: 'PATCH', body: new Uint8Array(100_000) });
    expect(failed.status).toBe(500);
    const text = await failed.text();
    expect(text).toContain('STORAGE_FAILED');
    expect(text).not.toContain(directory);
    const pulled = await fetch(`${url}/v2/${name}/manifests/v1`);
    expect(await pulled.text()).toBe(manifest);
    renameSync(join(directory, 'gone'), join(directory, 'uploads'));
    const again = await fetch(url + location, { method: 'PATCH', body: new Uint8Array(100_000) });
    expect(again.status).toBe(202);
    await registry.stop();
  });

  test('believes what a proxy says of its client only when it trusts the proxy', async () => {
    const registry = await startTestRegistry();
    const seen: string[] = [];
    const { log } = registry.program.answer;
    // The address is asked for while the request is there: afterwards its connection may be gone.
    const answer = { log: { ...log, access: (line: AccessLine) => void seen.push(line.client()) } };
    for (const trusted of [() => false, (address: string) => address === '127.0.0.1']) {
      const host = startAlteredHost(registry, { trusted, answer });
      await fetch(`${host.url}/v2/`, { headers: { 'X-Forwarded-For': '203.0.113.9' } });
      await host.stop();
    }
    expect(seen).toEqual(['127.0.0.1', '203.0.113.9']);
    await registry.stop();
  });

  test('writes its counts of pulls down when it ends', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'entrepot-pulls-'));
    const registry = await startTestRegistry({ directory });
    const { url } = registry;
    const name = newName();
    const { digest } = await pushImage(url, name, { reference: 'v1' });
    const ask = (reference: string, method: string) =>
      fetch(`${url}/v2/${name}/manifests/${reference}`, { method });
    await ask('v1', 'GET');
    await ask('v1', 'HEAD');
    await ask(digest, 'GET');
    // Looking whether it is there is no pull, and nothing is pulled by a request that is refused.
    await ask(digest, 'HEAD');
    const headers = { 'If-Match': '"other"' };
    expect((await fetch(`${url}/v2/${name}/manifests/v1`, { headers })).status).toBe(412);
    await registry.stop();
    const database = new Database(join(directory, 'entrepot.db'), { readonly: true });
    expect(database.query('select count from manifest_pulls').values()).toEqual([[3]]);
    expect(database.query('select count from tag_pulls').values()).toEqual([[3]]);
    database.close();
    rmSync(directory, { recursive: true });
    expect(registry.faults).toEqual([]);
  });
});
