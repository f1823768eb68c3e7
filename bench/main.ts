// `npm run bench`: which registries, which workloads, in what order. Everything that it starts ends
// with it.
import { writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { pinCores } from './cores.ts';
import { markdownOf } from './markdown.ts';
import {
  cleanUp,
  parseRegistry,
  type Registry,
  startDockerRegistry,
  startEntrepot,
  whyNoDockerRegistry,
  whyNoEntrepot,
} from './registries.ts';
import { blockOf, jsonOf, summaryOf } from './report.ts';
import { runWorkload } from './runner.ts';
import type { Row, Workload } from './workload.ts';
import { WORKLOADS } from './workloads/list.ts';

const HELP = `npm run bench -- [options]

  --registry name=http://host:port[,pid=N][,user=U,password=P]
                     another registry, any number of times; with a pid CPU and memory are shown.
                     One that is named entrepot is the subject, else the first
  --without NAME     do not start entrepot or docker-registry
  --only B1,B4       these workloads, or variants of them (B6/16)
  --runs N           runs of each workload (5)
  --seconds S        length of one run of a rate (2)
  --quick            small amounts and two runs, to see that it works
  --full             also what takes many minutes
  --json FILE        write every record
  --markdown FILE    write the table for docs/performance.md
  --directory DIR    where the started registries keep their data (the system's temporary directory)
  --list             show the workloads and their targets
`;

const { values: flags } = parseArgs({
  options: {
    registry: { type: 'string', multiple: true, default: [] },
    without: { type: 'string', multiple: true, default: [] },
    only: { type: 'string' },
    runs: { type: 'string' },
    seconds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    json: { type: 'string' },
    markdown: { type: 'string' },
    directory: { type: 'string', default: tmpdir() },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

process.on('exit', cleanUp);
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));

if (flags.help) {
  console.log(HELP);
} else if (flags.list) {
  for (const each of WORKLOADS) {
    const targets = each.targets.map((target) => target.text).join(', ');
    console.log(`${each.id.padEnd(16)} ${each.title}${targets === '' ? '' : `: ${targets}`}`);
  }
} else {
  // Missed targets are a result; wrong answers of a registry are a failure.
  const right = await compare().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    return false;
  });
  process.exit(right ? 0 : 1);
}

/** False: a run failed. */
async function compare(): Promise<boolean> {
  const workloads = chosen();
  const cores = pinCores();
  const registries = await registriesFor(cores?.server);
  if (registries.length === 0) throw new Error('There is no registry to measure.');
  const runs = positive('runs', flags.runs, flags.quick ? 2 : 5);
  const seconds = positive('seconds', flags.seconds, flags.quick ? 0.5 : 2);
  const setting = {
    date: new Date().toISOString(),
    machine: `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores`,
    cores: cores ?? 'not pinned',
    runs,
    seconds,
    quick: flags.quick,
    registries: registries.map(({ name, endpoint }) => ({ name, ...endpoint })),
  };
  const place =
    cores === undefined
      ? 'not pinned'
      : `servers on core ${cores.server}, load on core ${cores.load}`;
  const headline = `${setting.date.slice(0, 10)}: ${setting.machine}, ${place}, ${runs} runs of ${seconds} s${flags.quick ? '; QUICK: the figures mean nothing' : ''}.`;
  console.log(`${headline}\n`);
  const rows = new Map<string, Row>();
  const scale = { milliseconds: seconds * 1000, quick: flags.quick };
  for (const workload of workloads) {
    const row = await runWorkload(workload, { registries, runs, scale });
    rows.set(workload.id, row);
    console.log(`${blockOf(row, rows)}\n`);
    if (flags.json !== undefined) writeFileSync(flags.json, jsonOf(rows, setting));
    if (flags.markdown !== undefined) writeFileSync(flags.markdown, markdownOf(rows, headline));
  }
  console.log(summaryOf(rows));
  return ![...rows.values()].some(({ series }) => series.some(({ failed }) => failed));
}

function chosen(): Workload[] {
  const wanted = flags.only?.split(',').map((each) => each.trim());
  for (const each of wanted ?? []) {
    if (!WORKLOADS.some(({ id }) => matches(id, each))) {
      throw new Error(`There is no workload ${each}. --list shows them.`);
    }
  }
  return WORKLOADS.filter(({ id, heavy }) =>
    wanted === undefined
      ? flags.full || heavy !== true
      : wanted.some((each) => id === each || (matches(id, each) && (flags.full || heavy !== true))),
  );
}

function matches(id: string, wanted: string): boolean {
  return id === wanted || id.startsWith(`${wanted}/`);
}

/** The subject first, then its peers. What cannot be started is said, not passed over. */
async function registriesFor(core: number | undefined): Promise<Registry[]> {
  const options = { core, directory: flags.directory };
  const startable = [
    { name: 'entrepot', why: whyNoEntrepot(), start: startEntrepot },
    { name: 'docker-registry', why: whyNoDockerRegistry(), start: startDockerRegistry },
  ];
  const started: Registry[] = [];
  for (const { name, why, start } of startable) {
    if (flags.without.includes(name)) continue;
    if (why === undefined) started.push(await start(options));
    else console.log(`${name} is not started: ${why}.`);
  }
  const all = [...started, ...flags.registry.map(parseRegistry)];
  // However it was started, Entrepot is what the others are held against.
  const isSubject = ({ name }: Registry) => name === 'entrepot';
  return [...all.filter(isSubject), ...all.filter((each) => !isSubject(each))];
}

function positive(name: string, text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0.`);
  return value;
}
