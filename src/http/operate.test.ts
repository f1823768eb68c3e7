// What those who run the registry are told.
import { describe, expect, test } from 'bun:test';
import { BlobStoreError } from '../blobs/blob-store.ts';
import type { Incoming } from './incoming.ts';
import { type OperateParts, operate } from './operate.ts';

function parts(changes: Partial<OperateParts> = {}): OperateParts {
  return {
    admitToMetrics: async () => {},
    checkReady: async () => {},
    isDraining: () => false,
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4', text: 'a 1\n' }),
    ...changes,
  };
}

/** Only its method is looked at. */
function request(method: string): Incoming {
  return { method } as unknown as Incoming;
}

async function ask(path: string, changes: Partial<OperateParts> = {}) {
  const explained: unknown[] = [];
  const answered = await operate(request('GET'), {
    path,
    parts: parts(changes),
    explain: (cause) => explained.push(cause),
  });
  if (answered === undefined || answered.reply.body.kind !== 'bytes') return undefined;
  const { status, headers, body } = answered.reply;
  return { explained, status, text: body.bytes.toString(), type: headers['Content-Type'] };
}

describe('/livez', () => {
  test('says yes also when nothing works: a restart would not help', async () => {
    const broken = {
      checkReady: () => Promise.reject(new Error('no disk')),
      isDraining: () => true,
    };
    expect(await ask('/livez', broken)).toMatchObject({ status: 200, text: 'alive\n' });
  });
});

describe('/readyz', () => {
  test('says yes when the database and the store can be used', async () => {
    expect(await ask('/readyz')).toMatchObject({ status: 200, text: '{"ready":true}' });
  });

  test('says no when they cannot, or the process is ending', async () => {
    const failed = await ask('/readyz', { checkReady: () => Promise.reject(new Error('no disk')) });
    expect(failed?.status).toBe(503);
    expect(JSON.parse(failed?.text ?? '')).toMatchObject({ ready: false });
    const draining = await ask('/readyz', { isDraining: () => true });
    expect(draining?.status).toBe(503);
    expect(JSON.parse(draining?.text ?? '')).toEqual({ ready: false, why: 'shutting down' });
  });

  test('tells the log why, and others only which part it is', async () => {
    const cause = new Error('connect to db.internal:5432 as admin');
    const database = await ask('/readyz', { checkReady: () => Promise.reject(cause) });
    expect(database?.text).toBe(
      '{"ready":false,"why":"the database cannot be used; the log says why"}',
    );
    expect(database?.explained).toEqual([cause]);
    const full = new BlobStoreError('full', '/srv/data is full');
    const store = await ask('/readyz', { checkReady: () => Promise.reject(full) });
    expect(store?.text).toContain('the blob store cannot be used');
    expect(store?.text).not.toContain('/srv');
  });
});

describe('/metrics', () => {
  test('gives the text in the type of Prometheus', async () => {
    expect(await ask('/metrics')).toMatchObject({
      status: 200,
      text: 'a 1\n',
      type: 'text/plain; version=0.0.4',
    });
  });
});

test('/metrics says nothing to whoever may not read it', async () => {
  const denied = new Error('not you');
  const refusing = { admitToMetrics: () => Promise.reject(denied) };
  await expect(ask('/metrics', refusing)).rejects.toBe(denied);
  expect(await ask('/livez', refusing)).toMatchObject({ status: 200 });
});

test('nothing else is served', async () => {
  for (const path of ['', '/', '/livez/', '/LIVEZ', '/metrics2']) {
    const asked = { path, parts: parts(), explain: () => {} };
    expect(await operate(request('GET'), asked)).toBeUndefined();
  }
});
