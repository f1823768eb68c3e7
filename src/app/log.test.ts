// A line of the log is one line, whatever a client sent: nobody writes into it what did not happen.
import { expect, test } from 'bun:test';
import type { AccessLine } from '../http/answer.ts';

const NASTY = '/v2/a\n12:00:00 GET /v2/ 200 1 ms\r\u001b[2J';

/** What the log writes for a request: it goes to the standard output of a process of its own. */
async function written(format: 'json' | 'text'): Promise<string> {
  const line: Omit<AccessLine, 'client' | 'userAgent'> = {
    id: 'r1',
    method: 'GET',
    path: NASTY,
    operation: 'other',
    status: 404,
    seconds: 0.001,
    bytesReceived: 0,
    bytesSent: 2,
    code: 'NAME_UNKNOWN',
  };
  const script = `
    import { openLog } from ${JSON.stringify(new URL('./log.ts', import.meta.url).pathname)};
    const log = openLog({ level: 'info', format: '${format}', access: true });
    log.access({
      ...${JSON.stringify(line)},
      client: () => '192.0.2.1',
      userAgent: () => 'x\\n{"level":"error","msg":"fault"}',
    });
    log.flush();
  `;
  const child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe', stderr: 'inherit' });
  const text = await new Response(child.stdout).text();
  expect(await child.exited).toBe(0);
  return text;
}

test.each(['json', 'text'] as const)('as %s', async (format) => {
  const text = await written(format);
  expect(text.match(/\n/g)).toHaveLength(1);
  expect(text).toEndWith('\n');
  expect(text.trimEnd()).not.toMatch(/\p{Cc}/u);
  if (format === 'json')
    expect(JSON.parse(text)).toMatchObject({ path: NASTY, client: '192.0.2.1' });
});

test('has the time in UTC', async () => {
  const { time } = JSON.parse(await written('json')) as { time: string };
  expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});
