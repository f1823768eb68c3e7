// Lists of tags and repositories over the wire, at every edge of a page.
import { expect } from 'bun:test';
import { onBothEngines } from './engines.ts';
import { newName, pushImage, putManifest, refusedWith } from './push.ts';

async function pushTags(url: string, name: string, tags: readonly string[]): Promise<void> {
  const { manifest, digest } = await pushImage(url, name);
  const query = tags.map((tag) => `tag=${encodeURIComponent(tag)}`).join('&');
  const response = await putManifest(url, name, { reference: `${digest}?${query}`, manifest });
  expect(response.status).toBe(201);
}

async function page(url: string, path: string) {
  const response = await fetch(url + path);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/json');
  const link = response.headers.get('link');
  const next = link === null ? undefined : /^<(\/v2\/[^>;]*)>; rel="next"$/.exec(link)?.[1];
  expect(link === null).toBe(next === undefined);
  const body = (await response.json()) as { tags?: string[]; repositories?: string[] };
  return { body, next, items: body.tags ?? body.repositories ?? [], response };
}

/** Follows the links. Bounded, so that a wrong link ends the test. */
async function pages(url: string, path: string): Promise<string[][]> {
  const all: string[][] = [];
  let next: string | undefined = path;
  while (next !== undefined && all.length < 50) {
    const one: Awaited<ReturnType<typeof page>> = await page(url, next);
    all.push(one.items);
    next = one.next;
  }
  return all;
}

const BYTEWISE = ['1.0', '1.0_x', 'A', 'Z', '_x', 'a', 'a-b', 'a.b', 'a_b', 'aB', 'ab', 'b'].sort(
  (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)),
);

onBothEngines('listing', ({ test, registry }) => {
  test('clients 32: a repository without tags has an empty list, an unknown one is NAME_UNKNOWN', async () => {
    const { url } = registry();
    const name = newName();
    await pushImage(url, name);
    expect((await page(url, `/v2/${name}/tags/list`)).body as unknown).toEqual({ name, tags: [] });
    const unknown = await fetch(`${url}/v2/${newName()}/tags/list`);
    expect(await refusedWith(unknown, 404)).toBe('NAME_UNKNOWN');
  });

  test('clients 32: tags come in the order of their bytes, page by page', async () => {
    const { url } = registry();
    const name = newName();
    await pushTags(url, name, [...BYTEWISE].reverse());
    expect((await page(url, `/v2/${name}/tags/list`)).items).toEqual(BYTEWISE);
    for (const n of [1, 5, 7, 11]) {
      const paged = await pages(url, `/v2/${name}/tags/list?n=${n}`);
      expect(paged.flat()).toEqual(BYTEWISE);
      expect(paged.length).toBe(Math.ceil(BYTEWISE.length / n));
    }
  });

  test('clients 32: the last page has no Link, also when n is just the number of tags', async () => {
    const { url } = registry();
    const name = newName();
    await pushTags(url, name, BYTEWISE);
    for (const n of [BYTEWISE.length, BYTEWISE.length + 1]) {
      expect((await page(url, `/v2/${name}/tags/list?n=${n}`)).next).toBeUndefined();
    }
    expect((await page(url, `/v2/${name}/tags/list?n=3&last=a_b`)).items).toEqual(['ab', 'b']);
    expect((await page(url, `/v2/${name}/tags/list?n=3&last=a_b`)).next).toBeUndefined();
  });

  test('clients 32: n=0 is an empty page, a huge n is cut with a warning, nonsense is refused', async () => {
    const { url } = registry();
    const name = newName();
    await pushTags(url, name, ['a', 'b']);
    const none = await page(url, `/v2/${name}/tags/list?n=0`);
    expect([none.items, none.next]).toEqual([[], undefined]);
    const huge = await page(url, `/v2/${name}/tags/list?n=${'9'.repeat(400)}`);
    expect(huge.items).toEqual(['a', 'b']);
    expect(huge.response.headers.get('warning')).toMatch(/^299 - "[^"]*10000[^"]*"$/);
    const full = await page(url, `/v2/${name}/tags/list?n=10000`);
    expect(full.response.headers.get('warning')).toBeNull();
    for (const n of ['-1', 'x', '1.5', '', '%00', '1e3']) {
      const refused = await fetch(`${url}/v2/${name}/tags/list?n=${n}`);
      expect(await refusedWith(refused, 400)).toBe('PAGINATION_NUMBER_INVALID');
    }
  });

  test('clients 32: last need not exist any more, and may be anything', async () => {
    const { url } = registry();
    const name = newName();
    await pushTags(url, name, ['a', 'b', 'c', 'd']);
    const first = await page(url, `/v2/${name}/tags/list?n=2`);
    expect(first.items).toEqual(['a', 'b']);
    await fetch(`${url}/v2/${name}/manifests/b`, { method: 'DELETE' });
    expect((await page(url, first.next ?? '')).items).toEqual(['c', 'd']);
    const list = async (last: string) =>
      (await page(url, `/v2/${name}/tags/list?last=${last}`)).items;
    expect(await list('bb')).toEqual(['c', 'd']);
    expect(await list('zzz')).toEqual([]);
    expect(await list('%00')).toEqual(['a', 'c', 'd']);
    expect(await list('%ff%fe')).toEqual([]);
    expect(await list('%ed%a0%80')).toEqual([]);
    expect(await list('%2B%26%3D')).toEqual(['a', 'c', 'd']);
    expect(await list('a'.repeat(3000))).toEqual(['c', 'd']);
  });

  test('clients 32: the Link has last encoded, is relative and comes alone', async () => {
    const { url } = registry();
    const name = newName();
    await pushTags(url, name, ['1.0_build', '2']);
    const response = await fetch(`${url}/v2/${name}/tags/list?n=1`);
    const link = response.headers.get('link');
    expect(link).toBe(`</v2/${name}/tags/list?n=1&last=1.0_build>; rel="next"`);
  });

  test('clients 33: the catalog pages as tags do, without bugs of prefixes', async () => {
    const { url } = registry();
    const root = newName();
    const names = ['', '-x', '/a', '/a/b', '0', 'a', 'a/b', 'b.c'].map((end) => root + end);
    for (const name of names) await pushImage(url, name);
    const all = (await pages(url, '/v2/_catalog?n=3')).flat();
    expect(new Set(all).size).toBe(all.length);
    const sorted = [...all].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(all).toEqual(sorted);
    for (const name of names) expect(all).toContain(name);
    const last = encodeURIComponent(`${root}/a`);
    const after = await page(url, `/v2/_catalog?last=${last}&n=2`);
    expect(after.items[0]).toBe(`${root}/a/b`);
    const { next } = await page(url, '/v2/_catalog?n=1');
    expect(next).toContain('last=protocol%2F');
    const refused = await fetch(`${url}/v2/_catalog?n=-1`);
    expect(await refusedWith(refused, 400)).toBe('PAGINATION_NUMBER_INVALID');
  });

  test('a repository that only has an upload or blobs is not listed before its first manifest', async () => {
    const { url } = registry();
    const name = newName();
    await fetch(`${url}/v2/${name}/blobs/uploads/`, { method: 'POST' });
    const all = (await pages(url, '/v2/_catalog')).flat();
    expect(all).not.toContain(name);
  });
});
