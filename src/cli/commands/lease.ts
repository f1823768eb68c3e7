// `entrepot lease …`: what is in use, so that nothing deletes it.
import { type JsonObject, objectOf, part } from '../api-client.ts';
import { type Command, UsageError } from '../command.ts';
import { durationMs } from '../duration.ts';
import { pathOf } from '../path-text.ts';
import { serverCommand } from '../server-command.ts';
import { type Column, column, when } from '../show.ts';

const NAME = {
  name: 'LEASE',
  about: 'Unique in the registry: begin it with the name of your cluster.',
} as const;

const COLUMNS: readonly Column[] = [
  column('Lease', 'name'),
  column('Holder', 'holder'),
  { title: 'Until', of: ({ expiresAt }) => when(expiresAt) },
  column('Detail', 'detail'),
];

const list = serverCommand({
  name: 'lease list',
  about: 'Lists your leases; or, with a path, all that name something there or below.',
  arguments: [
    { name: 'PATH', about: 'A namespace or repository that you manage.', isOptional: true },
  ],
  examples: ['entrepot lease list', 'entrepot lease list team'],
  async run(given, { api, show }) {
    const path = given.optional('PATH');
    const query = path === undefined ? {} : { path: pathOf(path) };
    show.list(await api.all('/leases', query), { columns: COLUMNS, none: 'There are no leases.' });
  },
});

const show = serverCommand({
  name: 'lease show',
  about: 'Shows a lease and what it names.',
  arguments: [NAME],
  examples: ['entrepot lease show prod.web'],
  async run(given, session) {
    const { api, show: shown, terminal } = session;
    const lease = objectOf(await api.get(`/leases/${part(given.argument('LEASE'))}`));
    shown.item(lease, [...COLUMNS, { title: 'Taken', of: ({ createdAt }) => when(createdAt) }]);
    if (shown.isJson) return;
    const items = Array.isArray(lease.items) ? lease.items.map(objectOf) : [];
    terminal.print('\n');
    const columns = [column('Repository', 'repository'), column('Digest', 'digest')];
    shown.list(items, { columns, none: 'It names nothing.' });
  },
});

const take = serverCommand({
  name: 'lease take',
  about:
    'Says what is in use, and for how long. What the lease named before and names no more is let go.',
  arguments: [NAME],
  flags: {
    image: {
      value: 'IMAGE',
      about: 'In use: team/app:v1 (as it is now) or team/app@sha256:…',
      isList: true,
    },
    images: { about: 'Read images from standard input, one a line.' },
    ttl: { value: 'DURATION', about: 'From 1m to 90d. Else 24h.' },
    detail: { value: 'TEXT', about: 'What it is for.' },
  },
  examples: [
    'entrepot lease take prod.web --image team/app:v1 --image team/db:16 --ttl 48h',
    'running-images | entrepot lease take prod.all --images',
  ],
  async run(given, { api, show: shown, terminal }) {
    const lines = given.isOn('images') ? (await terminal.readInput()).split('\n') : [];
    const texts = lines.map((line) => line.trim()).filter((line) => line !== '');
    const images = [...given.list('image'), ...texts];
    if (images.length === 0) {
      throw new UsageError(
        'No image is named: --image team/app:v1, or --images and one a line. A lease is let go by: entrepot lease end.',
      );
    }
    const body = {
      ttlSeconds: durationMs(given.flag('ttl') ?? '24h') / 1000,
      items: images.map(itemOf),
      detail: given.flag('detail') ?? '',
    };
    const name = given.argument('LEASE');
    const lease = objectOf(await api.put(`/leases/${part(name)}`, body));
    const count = Array.isArray(lease.items) ? lease.items.length : 0;
    const what = count === 1 ? '1 image' : `${count} images`;
    shown.done(`The lease ${name} holds ${what} until ${when(lease.expiresAt)}.`, lease);
  },
});

/** @throws UsageError */
function itemOf(image: string): JsonObject {
  const [, repository, tag, digest] = /^([^:@]+)(?::([^@]+))?(?:@(.+))?$/.exec(image) ?? [];
  if (repository === undefined || (tag === undefined && digest === undefined)) {
    throw new UsageError(
      `"${image}" names no image: write such as team/app:v1 or team/app@sha256:…, without the server.`,
    );
  }
  // Of both the digest is what runs.
  return digest === undefined ? { repository, tag: tag ?? '' } : { repository, digest };
}

const end = serverCommand({
  name: 'lease end',
  about: 'Ends a lease; or what it names in one repository, for who manages that.',
  arguments: [NAME],
  flags: { in: { value: 'REPOSITORY', about: 'Only what it names there.' } },
  examples: ['entrepot lease end prod.web', 'entrepot lease end prod.web --in team/app'],
  async run(given, { api, show: shown }) {
    const name = given.argument('LEASE');
    const repository = given.flag('in');
    await api.delete(`/leases/${part(name)}`, { repository });
    const where = repository === undefined ? '' : ` in ${repository}`;
    shown.done(`The lease ${name} holds nothing${where} any more.`);
  },
});

export const LEASE_COMMANDS: readonly Command[] = [list, show, take, end];
