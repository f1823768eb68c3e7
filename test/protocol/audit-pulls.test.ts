// With the setting, pulls are on record, by whomever; what is not a pull is not.
import { expect, test as plainTest } from 'bun:test';
import { join } from 'node:path';
import { listAudit } from '../../src/access/audit/read-audit.ts';
import { openSqliteReader } from '../../src/metadata/sqlite.ts';
import { temporaryFolder } from '../../src/metadata/suite-drivers.ts';
import { ADMIN_PASSWORD, startTestRegistry } from '../support/entrepot.ts';
import { basic } from '../support/people.ts';
import { onBothEngines } from './engines.ts';
import { newName, pushImage } from './push.ts';
import { until } from './until.ts';

const filter = { action: 'manifest.pull' };

onBothEngines(
  'pulls on record',
  ({ test, registry }) => {
    test('each GET of a manifest and HEAD by tag, with who it was and what they got', async () => {
      const { url, program } = registry();
      const name = newName();
      const { digest } = await pushImage(url, name, { reference: 'v1' });
      const ask = async (method: string, reference: string, headers = {}) => {
        const at = `${url}/v2/${name}/manifests/${reference}`;
        return (await fetch(at, { method, headers })).status;
      };
      const Authorization = basic('admin', ADMIN_PASSWORD);
      expect(await ask('GET', 'v1')).toBe(200);
      expect(await ask('HEAD', 'v1', { Authorization, 'User-Agent': 'docker/27' })).toBe(200);
      expect(await ask('GET', digest)).toBe(200);
      expect(await ask('GET', 'v1', { 'If-None-Match': `"${digest}"` })).toBe(304);
      // None of these is a pull.
      expect(await ask('HEAD', digest)).toBe(200);
      expect(await ask('GET', 'v1', { 'If-Match': '"other"' })).toBe(412);
      expect(await ask('GET', 'absent')).toBe(404);
      const { sql } = program.answer.v2.pull;
      const listed = async () =>
        (await listAudit(sql, { filter, order: 'oldest-first', limit: 100 })).events;
      await until(async () => (await listed()).length >= 4, 'four pulls are on record');
      const [tag, target] = [`${name}:v1`, `${name}@${digest}`];
      const pulled = (await listed()).map(({ actor, target, detail }) => [actor, target, detail]);
      const detail = JSON.stringify({ digest });
      expect(pulled).toEqual([
        ['anonymous', tag, detail],
        ['admin', tag, detail],
        ['anonymous', target, detail],
        ['anonymous', tag, detail],
      ]);
      expect((await listed())[1]).toMatchObject({
        principal: expect.stringMatching(/^user:/),
        credential: 'password',
        client: 'docker/27',
        outcome: 'done',
        address: '127.0.0.1',
      });
    });
  },
  { auditPulls: true },
);

plainTest('the last ones are written when the server ends; without the setting none', async () => {
  for (const auditPulls of [true, false]) {
    const folder = temporaryFolder();
    const directory = folder.path;
    const registry = await startTestRegistry({ auditPulls, directory });
    const name = newName();
    await pushImage(registry.url, name, { reference: 'v1' });
    await (await fetch(`${registry.url}/v2/${name}/manifests/v1`)).text();
    expect(registry.program.answer.v2.pullLog !== undefined).toBe(auditPulls);
    await registry.stop();
    const sql = openSqliteReader(join(directory, 'entrepot.db'), Date.now);
    const { events } = await listAudit(sql, { filter });
    expect(events.map(({ target }) => target)).toEqual(auditPulls ? [`${name}:v1`] : []);
    sql.close();
    folder.remove();
  }
});
