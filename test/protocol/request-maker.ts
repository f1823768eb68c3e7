// Requests of every method, address, header and body that a registry may meet, likely and unlikely.
import { digestOf, OCI_INDEX, OCI_MANIFEST } from './push.ts';
import type { RawRequest } from './raw-http.ts';
import type { SeededChoice } from './seeded-choice.ts';

const METHODS = ['GET', 'GET', 'HEAD', 'PUT', 'PUT', 'PATCH', 'PATCH', 'POST', 'POST', 'DELETE'];
const ODD_METHODS = ['OPTIONS', 'TRACE', 'PROPFIND', 'REPORT'];
export const NAMES = ['fuzz/a', 'fuzz/b', 'fuzz', 'a/tags', 'x/blobs/uploads'];
const ODD_NAMES = [
  '',
  '..',
  'UP',
  'a//b',
  '%2e%2e',
  'a%2fb',
  'a'.repeat(300),
  '%',
  '%00',
  'ü',
  'a b',
];
const TAGS = ['v1', 'v2', 'latest', 'none'];
const ODD_TAGS = ['.a', 't'.repeat(200), 'a:b', '', '%0a', '%c3%28', 'v1?tag=v2', 'v1?tag=.', '~'];
const CONTENTS = ['', 'a', 'blob', 'b'.repeat(40_000)];
const RANGES = [
  '0-0',
  '0-3',
  '4-7',
  '1-0',
  'abc',
  '0-',
  '-5',
  '9'.repeat(30),
  'bytes 0-3/*',
  '0-3,4-7',
];

export class RequestMaker {
  readonly #choice: SeededChoice;
  /** Paths of uploads that were given, also of those that ended. */
  readonly uploads: string[] = [];
  readonly manifests: string[] = [];

  constructor(choice: SeededChoice) {
    this.#choice = choice;
  }

  make(): RawRequest {
    const c = this.#choice;
    const method = c.oneIn(20) ? c.of(ODD_METHODS) : c.of(METHODS);
    const headers: string[] = [];
    for (const make of this.#headers()) if (c.oneIn(5)) headers.push(make());
    const body = c.oneIn(3) ? undefined : this.#body();
    const length = c.oneIn(40) ? c.of([0, 3, 5_000_000]) : undefined;
    const request = { method, target: this.#target(), headers };
    return {
      ...request,
      ...(body !== undefined && { body }),
      ...(length !== undefined && { length }),
    };
  }

  #name(): string {
    const c = this.#choice;
    return c.oneIn(12) ? c.of(ODD_NAMES) : c.of(NAMES);
  }

  #digest(): string {
    const c = this.#choice;
    if (c.oneIn(10))
      return c.of(['sha256:', 'md5:abc', 'sha256:../../x', `sha256:${'%41'.repeat(64)}`]);
    if (c.oneIn(3) && this.manifests.length > 0) return digestOf(c.of(this.manifests));
    return digestOf(c.of(CONTENTS), c.oneIn(6) ? 'sha512' : 'sha256');
  }

  #target(): string {
    const c = this.#choice;
    const name = this.#name();
    const path = c.of<() => string>([
      () => '/v2/',
      () => `/v2/_catalog${this.#query()}`,
      () => `/v2/${name}/tags/list${this.#query()}`,
      () => `/v2/${name}/manifests/${c.oneIn(2) ? this.#reference() : this.#digest()}`,
      () => `/v2/${name}/manifests/${this.#digest()}?tag=${this.#reference()}`,
      () => `/v2/${name}/blobs/${this.#digest()}`,
      () => `/v2/${name}/referrers/${this.#digest()}${this.#query()}`,
      () => `/v2/${name}/blobs/uploads/`,
      () => `/v2/${name}/blobs/uploads/?digest=${this.#digest()}`,
      () => `/v2/${name}/blobs/uploads/?mount=${this.#digest()}&from=${this.#name()}`,
      () => `/v2/${name}/blobs/uploads/?digest-algorithm=${c.of(['sha256', 'sha512', 'x'])}`,
      () => this.#upload(),
      () => this.#upload(),
      () => `${this.#upload()}?digest=${this.#digest()}`,
      () => `${this.#upload()}?digest=${this.#digest()}`,
      () => c.of(['/', '/livez', '/readyz', '/v2', '/v3/', '/v2/x', '/../v2/', '/v2/%']),
    ])();
    if (!c.oneIn(25)) return path;
    const at = c.below(path.length);
    return (
      path.slice(0, at) + c.of(['%', '/', '//', '?', '#', '&', ';', '%2F', '\xff']) + path.slice(at)
    );
  }

  #upload(): string {
    const c = this.#choice;
    const known =
      c.oneIn(8) || this.uploads.length === 0 ? undefined : c.of(this.uploads.slice(-20));
    return (
      known ?? `/v2/${this.#name()}/blobs/uploads/${c.of(['x', 'X', '%00', '..', 'a'.repeat(99)])}`
    );
  }

  #reference(): string {
    const c = this.#choice;
    return c.oneIn(6) ? c.of(ODD_TAGS) : c.of(TAGS);
  }

  #query(): string {
    const c = this.#choice;
    return c.of([
      '',
      '?n=1',
      '?n=0',
      '?n=-1',
      '?n=x',
      '?last=v1',
      '?last=%00',
      '?last=%ff&n=2',
      '?n=1&n=2',
      '?artifactType=a&artifactType=',
      '?last=5',
      '?&&==',
    ]);
  }

  #headers(): (() => string)[] {
    const c = this.#choice;
    const tag = () => c.of(['*', '"x"', `"${this.#digest()}"`, 'W/"x", "y"', '"', ',,']);
    return [
      () =>
        `Content-Type: ${c.of([OCI_MANIFEST, OCI_INDEX, 'text/html', '', 'a/b; c=d', '\xff', 'application/json'])}`,
      () => `Content-Range: ${c.of(RANGES)}`,
      () =>
        `Range: ${c.of(['bytes=0-1', 'bytes=-1', 'bytes=5-', 'bytes=0-0,2-3', 'bytes=9-1', 'x', `bytes=${'0-0,'.repeat(1500)}`])}`,
      () => `If-None-Match: ${tag()}`,
      () => `If-Match: ${tag()}`,
      () => `If-Range: ${tag()}`,
      () =>
        c.of([
          'Accept: */*',
          'Accept: \xfe',
          'Expect: x',
          'Connection: close',
          'X-Forwarded-For: a',
        ]),
    ];
  }

  #body(): string | Uint8Array {
    const c = this.#choice;
    if (c.oneIn(3) && this.manifests.length > 0) {
      const manifest = c.of(this.manifests);
      if (c.oneIn(2)) return manifest;
      const at = c.below(manifest.length);
      return c.oneIn(2)
        ? manifest.slice(0, at)
        : manifest.slice(0, at) +
            c.of(['"', '{', '0', 'null', '\u0000', '-1e999']) +
            manifest.slice(at + 1);
    }
    if (c.oneIn(8))
      return c.of([
        'null',
        '{}',
        '[]',
        '"',
        '['.repeat(5_000),
        '{"manifests":[null]}',
        '{"layers":[{}],"config":[]}',
      ]);
    return c.of(CONTENTS);
  }
}
