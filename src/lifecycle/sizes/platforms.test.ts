import { expect, test } from 'bun:test';
import { platformsOf } from './platforms.ts';

const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value));
const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

test('platforms are read in the order of the index, each digest once', () => {
  const arm = { os: 'linux', architecture: 'arm64', variant: 'v8' };
  const manifests = [
    { digest: digest('b'), platform: arm },
    { digest: digest('a'), platform: { os: 'linux', architecture: 'amd64' } },
    { digest: digest('b') },
    { digest: digest('c') },
  ];
  expect(platformsOf(bytesOf({ manifests })) as unknown[]).toEqual([
    { digest: digest('b'), platform: 'linux/arm64/v8' },
    { digest: digest('a'), platform: 'linux/amd64' },
    { digest: digest('c'), platform: undefined },
  ]);
});

test.each([
  undefined,
  Buffer.from('no JSON'),
  bytesOf(null),
  bytesOf({ manifests: {} }),
  bytesOf({ manifests: [null, 5, { digest: 'none' }, { digest: 7 }] }),
])('what is no index names none (%#)', (bytes) => {
  expect(platformsOf(bytes)).toEqual([]);
});
