// `entrepot doctor`: looks at the data of a server on this machine, which may run or not, and explains what
// it finds. `entrepot scrub …`: the same of a running server, over its API.
import { userInfo } from 'node:os';
import { ScrubStopped } from '../../lifecycle/scrub/scrub-parts.ts';
import { shownBytes } from '../amount-text.ts';
import { type Json, objectOf } from '../api-client.ts';
import type { Command } from '../command.ts';
import { Findings } from '../doctor/findings.ts';
import { openExisting } from '../existing-database.ts';
import { configurationOf } from '../load-configuration.ts';
import { serverCommand } from '../server-command.ts';
import { cell, column, when } from '../show.ts';

const doctor: Command = {
  name: 'doctor',
  about:
    'Looks at the data of the server on this machine, whether it runs or not, and says what it found, what that means and what to do. Ends with 1 when something is damaged.',
  flags: {
    fix: {
      about:
        'Let go of damaged bytes: altered files go to the folder quarantine, and clients are told to push them again. Without it nothing is changed.',
    },
    quick: { about: 'Leave out what reads all stored bytes.' },
  },
  examples: [
    'entrepot doctor',
    'entrepot doctor --quick --data /var/lib/entrepot',
    'entrepot doctor --fix --config /etc/entrepot.yaml',
  ],
  takesSettings: true,
  async run(given, terminal) {
    const configuration = configurationOf(given, terminal);
    // Only here: the other commands need neither the drivers nor the scrubber.
    const bytes = await import('../doctor/check-bytes.ts');
    const metadata = await import('../doctor/check-metadata.ts');
    const findings = new Findings(terminal);
    const { interrupted } = terminal;
    const check = {
      isFixing: given.isOn('fix'),
      systemUser: userInfo().username,
      interrupted,
    };
    const database = await openExisting(configuration);
    try {
      const parts = await bytes.bytesParts(configuration, database, terminal);
      await bytes.checkSpace(parts, configuration, findings);
      if (await metadata.checkDatabaseFile(configuration, findings)) {
        await metadata.checkJobs(database, findings);
        await metadata.checkCounters(database, findings);
        if (!given.isOn('quick')) {
          await bytes.checkStoredBytes(parts, check, findings);
          await bytes.checkOrphans(parts, check, findings);
        }
        // Last: what was let go of is missing from now on.
        await metadata.checkTags(database, configuration, findings);
      }
    } catch (error) {
      if (!(error instanceof ScrubStopped)) throw error;
      terminal.print('You have ended it: the rest was not looked at.\n');
      return 1;
    } finally {
      await database.close();
    }
    terminal.print(summaryOf(findings));
    return findings.damages > 0 ? 1 : 0;
  },
};

function summaryOf({ damages, hints }: Findings): string {
  const notes =
    hints === 0 ? '' : hints === 1 ? ' There is one note.' : ` There are ${hints} notes.`;
  if (damages === 0) return `Nothing is damaged.${notes}\n`;
  return `${damages === 1 ? 'One thing is' : `${damages} things are`} damaged.${notes}\n`;
}

function sizeText(bytes: Json | undefined): string {
  return typeof bytes === 'number' ? shownBytes(bytes) : '';
}

const status = serverCommand({
  name: 'scrub status',
  about: 'Shows how far a running server is with reading all that it stores, and its last passes.',
  examples: ['entrepot scrub status', 'entrepot scrub status --json'],
  async run(_given, { api, show }) {
    const state = objectOf(await api.get('/scrub'));
    if (show.isJson) return show.json(state);
    show.item(state, [
      { title: 'Reading now', of: ({ isReading }) => isReading },
      { title: 'Read', of: ({ bytes }) => sizeText(bytes) },
      { title: 'Last pass ended', of: ({ endedAt }) => when(endedAt) },
      { title: 'Looked for orphans', of: ({ orphansLookedAt }) => when(orphansLookedAt) },
      column('Damages not healed', 'openDamages'),
    ]);
  },
});

const runs = serverCommand({
  name: 'scrub history',
  about: 'Lists the last passes over all stored bytes.',
  examples: ['entrepot scrub history'],
  async run(_given, { api, show }) {
    const { runs: rows } = objectOf(await api.get('/scrub'));
    show.list(Array.isArray(rows) ? rows.map(objectOf) : [], {
      columns: [
        { title: 'Began', of: ({ startedAt }) => when(startedAt) },
        { title: 'Ended', of: ({ endedAt }) => when(endedAt) ?? 'under way' },
        column('Blobs', 'blobs'),
        { title: 'Read', of: ({ bytes }) => sizeText(bytes) },
        column('Missing', 'missing'),
        column('Altered', 'altered'),
      ],
      none: 'There was no pass yet.',
    });
  },
});

const start = serverCommand({
  name: 'scrub start',
  about: 'Lets a running server read all that it stores, in the background.',
  examples: ['entrepot scrub start'],
  async run(_given, { api, show }) {
    const begun = objectOf(await api.post('/scrub'));
    show.done('It has begun. See how far it is: entrepot scrub status', begun);
  },
});

const damages = serverCommand({
  name: 'scrub damages',
  about: 'Lists stored bytes that were found gone or altered, and the images that need them.',
  flags: { limit: { value: 'COUNT', about: 'At most so many.' } },
  examples: ['entrepot scrub damages', 'entrepot scrub damages --json'],
  async run(given, { api, show }) {
    const rows = await api.all('/damages', { limit: 100 }, given.count('limit'));
    show.list(rows, {
      columns: [
        column('Digest', 'digest'),
        column('What', 'kind'),
        { title: 'Found', of: ({ foundAt }) => when(foundAt) },
        { title: 'Healed', of: ({ healedAt }) => when(healedAt) ?? 'push it again' },
        { title: 'Images', of: ({ images }) => imagesText(images) },
      ],
      none: 'Nothing was found damaged.',
    });
  },
});

function imagesText(images: Parameters<typeof objectOf>[0]): string {
  if (!Array.isArray(images)) return '';
  return images
    .map(objectOf)
    .map(({ repository, tags, digest }) => {
      const names = Array.isArray(tags) ? tags.map(cell) : [];
      return names.length === 0
        ? `${cell(repository)}@${cell(digest)}`
        : names.map((tag) => `${cell(repository)}:${tag}`).join(', ');
    })
    .join(', ');
}

export const DOCTOR_COMMANDS: readonly Command[] = [doctor, status, runs, start, damages];
