// `entrepot collect`: what garbage collection would do, a run at once, and what it has done.
import { showBytes } from '../../lifecycle/quota/amount-text.ts';
import { type Json, objectOf } from '../api-client.ts';
import type { Command } from '../command.ts';
import { serverCommand } from '../server-command.ts';
import { type Column, column, when } from '../show.ts';

function inside(title: string, path: readonly [string, string]): Column {
  const [part, field] = path;
  return { title, of: (row) => amount(objectOf(row[part])[field], field) };
}

function amount(value: Json | undefined, field: string): string {
  if (typeof value !== 'number') return '';
  return /bytes$/i.test(field) ? showBytes(value) : String(value);
}

function counted(title: string, field: string): Column {
  return { title, of: (row) => amount(row[field], field) };
}

const STATE: readonly Column[] = [
  inside('Released images: to go now', ['releasedManifests', 'due']),
  inside('  with time left', ['releasedManifests', 'later']),
  inside('Deleted images: to go now', ['trashedManifests', 'due']),
  inside('  with time left', ['trashedManifests', 'later']),
  inside('Blobs that no manifest names: to go now', ['rights', 'count']),
  inside('  their size', ['rights', 'bytes']),
  inside('  with time left', ['rights', 'later']),
  inside('Bytes that perhaps nobody needs any more', ['blobs', 'bytes']),
  inside('Bytes being removed', ['removals', 'bytes']),
  counted('Taken by history and trash', 'historyBytes'),
];

const collect = serverCommand({
  name: 'collect',
  about:
    'Collects garbage now. It also runs by itself; nobody waits for it, and what can be returned to stays.',
  flags: { 'dry-run': { about: 'Show what is due, and collect nothing.' } },
  examples: ['entrepot collect --dry-run', 'entrepot collect'],
  async run(given, { api, show }) {
    if (given.isOn('dry-run')) {
      show.item(objectOf(await api.get('/collection')), STATE);
      return;
    }
    await api.post('/collection');
    show.done('Collection begins. See what it did: entrepot collect history');
  },
});

const history = serverCommand({
  name: 'collect history',
  about: 'Lists the runs of garbage collection that removed something.',
  examples: ['entrepot collect history'],
  async run(_given, { api, show }) {
    show.list(await api.items('/collection/runs'), {
      columns: [
        { title: 'Started', of: ({ startedAt }) => when(startedAt) },
        { title: 'Ended', of: ({ endedAt }) => when(endedAt) },
        column('Released', 'releasedManifests'),
        column('Deleted', 'trashedManifests'),
        column('Before time', 'earlyManifests'),
        column('Rights', 'rights'),
        column('Blobs', 'blobs'),
        counted('In the database', 'payloadBytes'),
        counted('Let go of', 'storedBytes'),
        counted('Removed', 'removedBytes'),
      ],
      none: 'Nothing has been collected yet.',
    });
  },
});

export const COLLECT_COMMANDS: readonly Command[] = [collect, history];
