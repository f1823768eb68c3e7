// `entrepot audit …`: who did what, when and by which credential.
import { type ApiClient, type JsonObject, objectOf, type Query } from '../api-client.ts';
import { type Command, CommandFailure, type Given, UsageError } from '../command.ts';
import { durationMs } from '../duration.ts';
import { pathOf } from '../path-text.ts';
import { type Session, serverCommand } from '../server-command.ts';
import { type Column, cell, column, table } from '../show.ts';
import type { Terminal } from '../terminal.ts';

const FILTER_FLAGS = {
  since: { value: 'TIME', about: 'From then on: 24h ago as 24h, or 2031-01-31T12:00:00Z.' },
  until: { value: 'TIME', about: 'Before then, written alike.' },
  actor: { value: 'NAME', about: 'By whom.' },
  action: { value: 'ACTION', about: 'What: grant.add, or grant.* for all that begin alike.' },
  target: { value: 'TEXT', about: 'Done to what begins with that.' },
  outcome: { value: 'OUTCOME', about: 'done, refused or failed.' },
  address: { value: 'ADDRESS', about: 'From where.' },
  request: { value: 'ID', about: 'By the id of the request.' },
} as const;

const ON_FLAG = {
  on: { value: 'PATH', about: 'Only what is about it and what lies below, for who manages it.' },
} as const;

function filterOf(given: Given, terminal: Terminal): Query {
  return {
    from: timeOf(given.flag('since'), terminal),
    until: timeOf(given.flag('until'), terminal),
    actor: given.flag('actor'),
    action: given.flag('action'),
    target: given.flag('target'),
    outcome: given.choice('outcome', ['done', 'refused', 'failed']),
    address: given.flag('address'),
    requestId: given.flag('request'),
  };
}

function timeOf(text: string | undefined, { now }: Terminal): string | undefined {
  if (text === undefined) return undefined;
  if (/^\d+[smhd]$/.test(text)) return new Date(now() - durationMs(text)).toISOString();
  const at = Date.parse(text);
  if (!Number.isNaN(at)) return new Date(at).toISOString();
  throw new UsageError(`"${text}" is no time: write 24h, or 2031-01-31T12:00:00Z.`);
}

const COLUMNS: readonly Column[] = [
  { title: 'When', of: ({ at }) => cell(at).slice(0, 19).replace('T', ' ') },
  { title: 'Who', of: ({ actor }) => cell(actor) },
  column('Did', 'action'),
  column('To', 'target'),
  column('Outcome', 'outcome'),
  column('By', 'credential'),
  column('From', 'address'),
];

const list = serverCommand({
  name: 'audit list',
  about: 'Lists what was done and what was refused, newest first; or shows it as it comes.',
  flags: {
    ...FILTER_FLAGS,
    ...ON_FLAG,
    limit: { value: 'COUNT', about: 'At most so many. Else 50.' },
    follow: { about: 'From now on, a line each, until Ctrl-C. With --json a line of JSON each.' },
  },
  examples: [
    'entrepot audit list --since 24h --outcome refused',
    "entrepot audit list --action 'grant.*' --on team --json",
    'entrepot audit list --follow',
  ],
  async run(given, session) {
    const { api, show, terminal } = session;
    const on = given.flag('on');
    const query = {
      ...filterOf(given, terminal),
      ...(on !== undefined && { path: pathOf(on) }),
    };
    if (given.isOn('follow')) return follow(session, query);
    const rows = await api.all('/audit', query, given.count('limit') ?? 50);
    show.list(rows, { columns: COLUMNS, none: 'Nothing of that kind is on record.' });
  },
});

/** Milliseconds between two looks when all was seen: events are sealed once a second. */
const LOOK_EVERY_MS = 1_000;

async function follow({ api, show, terminal }: Session, query: Query): Promise<void> {
  const { interrupted } = terminal;
  let cursor: string | undefined;
  while (!interrupted.aborted) {
    const page = objectOf(await api.get('/audit/follow', { ...query, cursor }));
    const items = Array.isArray(page.items) ? page.items.map(objectOf) : [];
    for (const item of items) {
      terminal.print(show.isJson ? `${JSON.stringify(item)}\n` : eventLine(item));
    }
    cursor = cell(page.next);
    if (page.isAtEnd === true) await terminal.sleep(LOOK_EVERY_MS);
  }
}

/** Without columns: what comes next is not known. */
function eventLine(event: JsonObject): string {
  const words = COLUMNS.map(({ of }) => cell(of(event))).filter((word) => word !== '');
  return `${words.join('  ')}\n`;
}

const FORMATS = { jsonl: 'json-lines', csv: 'csv', syslog: 'syslog' } as const;

const exported = serverCommand({
  name: 'audit export',
  about: 'Writes all events to standard output, oldest first.',
  flags: {
    ...FILTER_FLAGS,
    format: { value: 'FORMAT', about: 'jsonl (JSON lines), csv or syslog. Else jsonl.' },
  },
  examples: [
    'entrepot audit export --format csv > audit.csv',
    'entrepot audit export --format jsonl --since 30d > audit.jsonl',
  ],
  async run(given, { api, terminal }) {
    const format = FORMATS[given.choice('format', ['jsonl', 'csv', 'syslog']) ?? 'jsonl'];
    const query = { ...filterOf(given, terminal), format };
    const reply = await api.send('GET', '/audit/export', { query, isLong: true });
    await writeAll(reply, { api, terminal });
  },
});

/** Milliseconds between two words of how far it is. */
const TELL_EVERY_MS = 500;

async function writeAll(
  { body }: Response,
  { api, terminal }: { api: ApiClient; terminal: Terminal },
): Promise<void> {
  if (body === null) return;
  const decoder = new TextDecoder();
  let lines = 0;
  let told = terminal.now();
  const tell = (end: string): void => {
    if (terminal.isErrorSeen) terminal.printError(`\r${lines} lines${end}`);
  };
  try {
    for await (const bytes of body) {
      const text = decoder.decode(bytes, { stream: true });
      terminal.print(text);
      await terminal.drained();
      lines += text.split('\n').length - 1;
      if (terminal.now() - told < TELL_EVERY_MS) continue;
      told = terminal.now();
      tell('');
    }
  } catch (error) {
    throw new CommandFailure(
      `${api.server} did not send all of it: ${error instanceof Error ? error.message : error}`,
    );
  }
  tell('\n');
}

const verify = serverCommand({
  name: 'audit verify',
  about: 'Walks the chain of the log and says whether anything in it was changed or taken out.',
  flags: {
    expected: {
      value: 'SEQUENCE:HASH',
      about: 'An end that was kept elsewhere, which must still be in the chain.',
    },
  },
  examples: ['entrepot audit verify', 'entrepot audit verify --json > last-end.json'],
  async run(given, { api, show, terminal }) {
    const found = objectOf(await api.get('/audit/verify', { expected: given.flag('expected') }));
    if (show.isJson) show.json(found);
    else terminal.print(verdictOf(found));
    if (found.isWhole !== true || found.expected === 'missing') {
      throw new CommandFailure(brokenness(found));
    }
  },
});

function verdictOf(found: JsonObject): string {
  const { verified, end, anchor, unsealed } = found;
  const last = objectOf(end);
  const first = Number(objectOf(anchor).sequence);
  const waiting = objectOf(unsealed);
  const rows = [
    ...(first > 0 ? [{ what: 'Pruned up to', value: first }] : []),
    { what: 'Verified events', value: verified },
    { what: 'End of the chain', value: `${cell(last.sequence)}:${cell(last.hash)}` },
    { what: 'Not sealed yet', value: waiting.count },
  ];
  const lines = table(rows, [column('', 'what'), column('', 'value')])
    .split('\n')
    .slice(1);
  return lines.join('\n');
}

function brokenness({ broken, expected }: JsonObject): string {
  if (broken === null || broken === undefined) {
    return expected === 'missing'
      ? 'The end that was kept elsewhere is not in the chain: the log was replaced or cut.'
      : 'The log is not whole.';
  }
  const { sequence, kind, reason } = objectOf(broken);
  return `The log is not whole: at event ${cell(sequence)} (${cell(kind)}): ${cell(reason)}`;
}

export const AUDIT_COMMANDS: readonly Command[] = [list, exported, verify];
