import { expect, test } from 'bun:test';
import { digestOf } from '../../oci/digest.ts';
import { matchPlatforms } from './match-platforms.ts';
import type { Child } from './version-parts.ts';

interface Given {
  readonly platform?: string;
  readonly version?: string;
  readonly about?: number;
  readonly artifactType?: string;
}

function digest(number: number) {
  return digestOf('sha256', String(number).padStart(64, '0'));
}

function child(number: number, { platform, version = '', about, artifactType }: Given): Child {
  return {
    digest: digest(number),
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    size: 1,
    annotations: new Map(
      about === undefined ? [] : [['vnd.docker.reference.digest', digest(about)]],
    ),
    platform: platform === undefined ? undefined : { name: platform, version },
    artifactType,
  };
}

function matched(from: readonly Child[], to: readonly Child[]): unknown[] {
  const number = (one: Child | undefined) => one && Number(one.digest.slice('sha256:'.length));
  return matchPlatforms({ from, to }).map((pair) => [
    pair.name,
    number(pair.from),
    number(pair.to),
  ]);
}

test('the same platform, in the order of the new index; what is gone comes last', () => {
  const [amd, arm, s390] = ['linux/amd64', 'linux/arm64/v8', 'linux/s390x'];
  expect(
    matched(
      [child(1, { platform: amd }), child(2, { platform: s390 })],
      [child(3, { platform: arm }), child(4, { platform: amd })],
    ),
  ).toEqual([
    ['linux/arm64/v8', undefined, 3],
    ['linux/amd64', 1, 4],
    ['linux/s390x', 2, undefined],
  ]);
});

test('of several versions of a system the same one, and then the next', () => {
  const windows = (number: number, version: string) =>
    child(number, { platform: 'windows/amd64', version });
  expect(
    matched([windows(1, '10.1'), windows(2, '10.2')], [windows(3, '10.2'), windows(4, '10.3')]),
  ).toEqual([
    ['windows/amd64 10.2', 2, 3],
    ['windows/amd64 10.3', 1, 4],
  ]);
});

test('what is the same content is matched first', () => {
  const of = (number: number) => child(number, { platform: 'linux/amd64' });
  expect(matched([of(1), of(2)], [of(2), of(3)])).toEqual([
    ['linux/amd64', 2, 2],
    ['linux/amd64', 1, 3],
  ]);
});

test('attestations follow the platform that they are about', () => {
  const unknown = 'unknown/unknown';
  const index = (first: number) => [
    child(first, { platform: 'linux/amd64' }),
    child(first + 1, { platform: 'linux/arm64' }),
    child(first + 2, { platform: unknown, about: first + 1 }),
    child(first + 3, { platform: unknown, about: first }),
  ];
  expect(matched(index(10), index(20))).toEqual([
    ['linux/amd64', 10, 20],
    ['linux/arm64', 11, 21],
    ['attestation of linux/arm64', 12, 22],
    ['attestation of linux/amd64', 13, 23],
  ]);
});

test('what has no platform is matched by its type', () => {
  expect(
    matched([child(1, { artifactType: 'a/x' })], [child(2, {}), child(3, { artifactType: 'a/x' })]),
  ).toEqual([
    ['application/vnd.oci.image.manifest.v1+json', undefined, 2],
    ['a/x', 1, 3],
  ]);
});
