// What a browser carries: back to this registry only, and only what was sealed for this provider.
import { describe, expect, test } from 'bun:test';
import { RegistryError } from '../../oci/errors.ts';
import { sealWith } from '../seal.ts';
import { OIDC_STATE_MS, openState, safeReturnTo, sealState } from './oidc-state.ts';

describe('where one goes back to', () => {
  test.each([
    ['/', '/'],
    ['/repositories/team/app?tab=tags#v1', '/repositories/team/app?tab=tags#v1'],
    ['/a//b', '/a//b'],
    ['/search?next=https://elsewhere.example', '/search?next=https://elsewhere.example'],
    ['/%2F/elsewhere.example', '/%2F/elsewhere.example'],
    ['/é', '/%C3%A9'],
  ])('%j is a path of this registry', (wanted, path) => {
    expect(safeReturnTo(wanted)).toBe(path);
  });

  test.each([
    [undefined],
    [''],
    ['repositories'],
    ['https://elsewhere.example'],
    ['https:elsewhere.example'],
    ['HTTPS://elsewhere.example/'],
    ['//elsewhere.example'],
    ['///elsewhere.example'],
    ['/\\elsewhere.example'],
    ['\\\\elsewhere.example'],
    ['\\/elsewhere.example'],
    ['/a\\b'],
    ['/\t/elsewhere.example'],
    ['/\n/elsewhere.example'],
    ['\t//elsewhere.example'],
    [' //elsewhere.example'],
    ['/ /elsewhere.example'],
    ['/.//elsewhere.example'],
    ['/a/..//elsewhere.example'],
    ['/%2e//elsewhere.example'],
    ['/%2e%2E//elsewhere.example'],
    ['javascript:alert(1)'],
    ['data:text/html,x'],
    ['@elsewhere.example'],
    ['.elsewhere.example'],
    ['/\u0000'],
    [`/${'a'.repeat(2_000)}`],
  ])('%j leads to the front page', (wanted) => {
    expect(safeReturnTo(wanted)).toBe('/');
  });

  test('whatever is let through stays on the origin, as a browser reads it', () => {
    const parts = ['/', '\\', '.', '..', '%2e', '%5c', '\t', ':', '@', 'x.example', '?', '#', ''];
    for (const a of parts) {
      for (const b of parts) {
        for (const c of parts) {
          for (const wanted of [`/${a}${b}${c}`, `${a}${b}${c}`, `/${a}/${b}/${c}`]) {
            const url = new URL(safeReturnTo(wanted), 'https://registry.example.com');
            expect([wanted, url.origin]).toEqual([wanted, 'https://registry.example.com']);
          }
        }
      }
    }
  });
});

describe('the state', () => {
  const seal = sealWith(new Uint8Array(32).fill(1));
  const state = {
    state: 's',
    nonce: 'n',
    verifier: 'v',
    redirectUri: 'https://registry.example.com/back',
    returnTo: '/',
  };
  const sealed = sealState(seal, { provider: 'company', now: 1_000, state });
  const open = (change: { provider?: string; now?: number; sealed?: string | undefined } = {}) =>
    openState(seal, { provider: 'company', now: 2_000, sealed, ...change });

  test('opens for its provider, until it is too old', () => {
    expect(open()).toMatchObject(state);
    expect(open({ now: 999 + OIDC_STATE_MS })).toMatchObject(state);
    expect(() => open({ now: 1_000 + OIDC_STATE_MS })).toThrow('took too long');
  });

  test('hides the verifier and the nonce', () => {
    const bytes = Buffer.from(sealed.slice(3), 'base64url').toString('latin1');
    expect(bytes).not.toContain('verifier');
  });

  test.each([
    ['of another provider', { provider: 'other' }],
    ['absent', { sealed: undefined }],
    ['empty', { sealed: '' }],
    ['cut', { sealed: sealed.slice(0, -4) }],
    [
      'changed',
      { sealed: `${sealed.slice(0, 30)}${sealed[30] === 'A' ? 'B' : 'A'}${sealed.slice(31)}` },
    ],
    [
      'of another registry',
      {
        sealed: sealState(sealWith(new Uint8Array(32).fill(2)), {
          provider: 'company',
          now: 1_000,
          state,
        }),
      },
    ],
  ])('%s is refused', (_, change) => {
    const run = (): unknown => open(change);
    expect(run).toThrow(RegistryError);
    expect(run).toThrow('not begun in this browser');
  });
});
