// The three formats, with words in them that somebody chose to break them.
import { describe, expect, test } from 'bun:test';
import type { AuditEvent } from '../../metadata/audit-events.ts';
import { csvLine, type ExportFormat, exportAudit, jsonLine, syslogLine } from './export-audit.ts';

const PLAIN: AuditEvent = {
  id: 7,
  sequence: 5,
  hash: Uint8Array.from({ length: 32 }, (_, at) => at),
  at: 1_700_000_000_123,
  actor: 'alice',
  principal: 'user:1',
  credential: 'password',
  action: 'token.create',
  target: 'team/app',
  outcome: 'done',
  address: '192.0.2.1',
  client: 'docker/27',
  requestId: 'r1',
  detail: '{"name":"ci"}',
};
const HASH = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';
const AT = '2023-11-14T22:13:20.123Z';

async function* some(count: number) {
  for (let at = 1; at <= count; at += 1) yield { ...PLAIN, id: at };
}

async function textOf(count: number, format: ExportFormat): Promise<string> {
  const chunks: string[] = [];
  const options = { format, host: 'registry.example.com' };
  for await (const chunk of exportAudit(some(count), options)) chunks.push(chunk);
  return chunks.join('');
}

describe('JSON lines', () => {
  test('have every column, and say what is not sealed', () => {
    expect(JSON.parse(jsonLine(PLAIN))).toEqual({ ...PLAIN, at: AT, hash: HASH });
    const { sequence, hash } = JSON.parse(
      jsonLine({ ...PLAIN, sequence: undefined, hash: undefined }),
    );
    expect([sequence, hash]).toEqual([null, null]);
  });

  test('are one line whatever is in them', () => {
    const line = jsonLine({ ...PLAIN, client: 'a\r\nb"' });
    expect(line.indexOf('\n')).toBe(line.length - 1);
    expect(line).not.toContain('\r');
  });
});

describe('CSV', () => {
  test('has a head, ends lines with CR LF, and quotes what must be', async () => {
    const lines = (await textOf(2, 'csv')).split('\r\n');
    expect(lines[0]).toBe(
      'sequence,id,at,actor,principal,credential,action,target,outcome,address,client,requestId,detail,hash',
    );
    expect(lines[1]).toBe(
      `5,1,${AT},alice,user:1,password,token.create,team/app,done,192.0.2.1,docker/27,r1,"{""name"":""ci""}",${HASH}`,
    );
    expect(lines).toHaveLength(4);
    const broken = csvLine({ ...PLAIN, client: 'a\nb', target: 'x,y' });
    expect(broken).toContain(',"a\nb",');
    expect(broken).toContain(',"x,y",');
  });

  test.each([
    ['=1+1', `'=1+1`],
    ['+1', `'+1`],
    ['-1', `'-1`],
    ['@a', `'@a`],
    ['\ta', `'\ta`],
    ['\ra', `"'\ra"`],
    ['=a"b', `"'=a""b"`],
    ['a=1', 'a=1'],
  ])('gives a spreadsheet no formula: %j', (client, field) => {
    expect(csvLine({ ...PLAIN, client })).toContain(`,${field},r1,`);
  });
});

describe('syslog', () => {
  const HOST = 'registry.example.com';

  test('is RFC 5424 with structured data', () => {
    expect(syslogLine(PLAIN, HOST)).toBe(
      `<110>1 ${AT} ${HOST} entrepot - token.create [entrepot@32473 sequence="5" id="7" actor="alice" principal="user:1" credential="password" action="token.create" target="team/app" outcome="done" address="192.0.2.1" client="docker/27" requestId="r1" detail="{\\"name\\":\\"ci\\"}" hash="${HASH}"] alice token.create team/app done\n`,
    );
    expect(syslogLine({ ...PLAIN, outcome: 'refused' }, HOST)).toStartWith('<108>1 ');
    expect(syslogLine({ ...PLAIN, outcome: 'failed' }, HOST)).toStartWith('<107>1 ');
  });

  test('cannot be broken out of', () => {
    const client = 'a"] x\n<110>1 \\ \u2028\u0085é';
    const line = syslogLine({ ...PLAIN, client, target: 'a\nb' }, 'a b');
    expect(line).toContain('client="a\\"\\] x\\\\u000a<110>1 \\\\ \\\\u2028\\\\u0085é"');
    expect(line.split('\n')).toHaveLength(2);
    expect(line).toEndWith('] alice token.create a\\u000ab done\n');
    expect(line).toContain(' a_b entrepot ');
    const long = syslogLine({ ...PLAIN, action: `x y${'z'.repeat(100)}` }, '');
    expect(long).toContain(` - entrepot - x_y${'z'.repeat(29)} [`);
  });

  test('leaves out what is not there yet', () => {
    const line = syslogLine({ ...PLAIN, sequence: undefined, hash: undefined }, HOST);
    expect(line).toContain('[entrepot@32473 id="7"');
    expect(line).not.toContain('hash=');
  });
});

describe('an export', () => {
  test('comes in pieces of bounded size, and asks for no more than was taken', async () => {
    let asked = 0;
    async function* endless() {
      for (;;) {
        asked += 1;
        yield PLAIN;
      }
    }
    const chunks = exportAudit(endless(), { format: 'json-lines', host: '' });
    const { value } = await chunks.next();
    await chunks.return(undefined);
    expect(value?.length).toBeLessThan(70_000);
    expect(asked).toBeLessThan(1_000);
  });

  test.each(['json-lines', 'csv', 'syslog'] as const)('has every event as %s', async (format) => {
    const lines = (await textOf(1_000, format)).trimEnd().split('\n');
    expect(lines).toHaveLength(format === 'csv' ? 1_001 : 1_000);
    expect(await textOf(0, format)).toBe(format === 'csv' ? `${lines[0]}\n` : '');
  });
});
