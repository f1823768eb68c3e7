// The doctor looks at the database: the file itself, what tags need, counters, jobs.
import type { Configuration } from '../../app/configuration.ts';
import type { OpenDatabase } from '../../app/database.ts';
import { countJobs } from '../../metadata/jobs.ts';
import type { LostPartsPage } from '../../metadata/lost-parts.ts';
import type { CountersPage } from '../../metadata/usage-check.ts';
import { counted, FewShown, type Findings } from './findings.ts';

/** Lost parts of one page of tags. */
const MOST_LOST = 1_000;
const SCOPES_AT_ONCE = 20;

/** @returns false when the rest cannot be looked at. */
export async function checkDatabaseFile(
  { database }: Configuration,
  findings: Findings,
): Promise<boolean> {
  if (database.kind !== 'sqlite') return true;
  findings.looking(`The database file ${database.path}:`);
  const { checkSqliteFile } = await import('../../metadata/integrity.ts');
  const faults = checkSqliteFile(database.path);
  if (faults.length === 0) {
    findings.good('SQLite finds it whole.');
    return true;
  }
  for (const fault of faults) findings.damage(fault);
  findings.advice(
    'Stop the server, keep a copy of the data directory, and put the database back from a backup. Images pushed since must be pushed again. The rest was not looked at.',
  );
  return false;
}

export async function checkTags(
  { reports }: OpenDatabase,
  { missingParts }: Configuration,
  findings: Findings,
): Promise<void> {
  findings.looking('What every tag needs:');
  const shown = new FewShown();
  let tags = 0;
  for (let after: number | undefined = 0; after !== undefined; ) {
    const page: LostPartsPage = await reports.run('lostParts', { after, limit: MOST_LOST });
    tags += page.tags;
    after = page.next;
    for (const { repository, tag, kind, digest, isAbsent } of page.lost) {
      // What the setting lets anybody leave out was never here.
      if (missingParts === 'any') continue;
      if (missingParts === 'index-children' && kind === 'manifest') continue;
      const why = isAbsent ? 'whose bytes are not stored' : 'which its repository does not hold';
      if (shown.next())
        findings.damage(`${repository}:${tag} needs the ${kind} ${digest}, ${why}.`);
      else findings.damages += 1;
    }
    findings.progress(() => `${counted(tags, 'tag')} looked at`);
  }
  if (missingParts === 'any') {
    findings.hint('With missing-parts: any nobody can tell a lost part from one left out.');
  }
  if (shown.count === 0) {
    return findings.good(`${counted(tags, 'tag')} looked at, and all that they need is held.`);
  }
  if (shown.left > 0) findings.hint(`There are ${shown.left} more of these.`);
  findings.advice('Push these images again, or return their tags to an earlier version.');
}

export async function checkCounters({ reports }: OpenDatabase, findings: Findings): Promise<void> {
  findings.looking('The counters of what namespaces use:');
  let scopes = 0;
  let wrong = 0;
  for (let after: number | undefined = 0; after !== undefined; ) {
    const page: CountersPage = await reports.run('wrongCounters', { after, limit: SCOPES_AT_ONCE });
    scopes += page.scopes;
    after = page.next;
    wrong += page.wrong.length;
    for (const { path, counted: says, recounted } of page.wrong) {
      findings.damage(
        `${path || 'the root'} says ${says.bytes} bytes, ${says.blobs} blobs, ${says.tags} tags and ${says.repositories} repositories; a recount says ${recounted.bytes}, ${recounted.blobs}, ${recounted.tags} and ${recounted.repositories}.`,
      );
    }
    findings.progress(() => `${counted(scopes, 'path')} added up`);
  }
  if (wrong === 0) findings.good(`${counted(scopes, 'path')} added up anew, and all agree.`);
  else {
    findings.advice(
      'No image is hit, but quotas there are judged by wrong numbers. This is a fault of the program: please report it.',
    );
  }
}

export async function checkJobs({ sql }: OpenDatabase, findings: Findings): Promise<void> {
  findings.looking('Jobs in the background:');
  const dead = (await countJobs(sql)).filter(({ state }) => state === 'dead');
  for (const { kind, count } of dead) {
    findings.hint(`${counted(count, 'job')} "${kind}" failed again and again and was given up.`);
  }
  if (dead.length === 0) findings.good('none was given up.');
  else findings.advice('The log of the server says why they failed.');
}
