// What one may not see does not exist: a private repository and one that is not there answer alike, to
// whoever asks and whatever they ask, byte for byte and by the same statements.
import { describe, expect, test as plainTest } from 'bun:test';
import { ADMIN_PASSWORD, startTestRegistry, type TestRegistry } from '../support/entrepot.ts';
import { basic } from '../support/people.ts';
import { onBothEngines } from './engines.ts';
import {
  ABSENT,
  addAlice,
  addPusher,
  BLOB,
  bearerFor,
  CONFIG,
  DIGEST,
  ELSEWHERE,
  forgetAll,
  MANIFEST,
  PRIVATE,
  pushPrivate,
  pushReferrer,
} from './hidden-repository.ts';
import { OCI_MANIFEST } from './push.ts';
import { watchStatements } from './watched-statements.ts';

/** What a client may ask of a repository: whether it reads, the method, and what follows the name. */
const READS = [
  ['GET', 'manifests/v1'],
  ['HEAD', 'manifests/v1'],
  ['GET', `manifests/${DIGEST}`],
  ['HEAD', `manifests/${DIGEST}`],
  ['GET', 'manifests/absent'],
  ['GET', `blobs/${BLOB}`],
  ['HEAD', `blobs/${BLOB}`],
  ['GET', `blobs/${ELSEWHERE}`],
  ['GET', 'tags/list'],
  ['GET', `referrers/${DIGEST}`],
  ['GET', `referrers/${ELSEWHERE}`],
] as const;
const WRITES = [
  ['POST', 'blobs/uploads/'],
  ['POST', `blobs/uploads/?digest=${ELSEWHERE}`],
  ['POST', `blobs/uploads/?mount=${BLOB}&from=team/private`],
  ['PATCH', 'blobs/uploads/0123'],
  ['PUT', `blobs/uploads/0123?digest=${BLOB}`],
  ['GET', 'blobs/uploads/0123'],
  ['DELETE', 'blobs/uploads/0123'],
  ['PUT', 'manifests/v1'],
  ['PUT', `manifests/${DIGEST}`],
  ['DELETE', 'manifests/v1'],
  ['DELETE', `manifests/${DIGEST}`],
  ['DELETE', `blobs/${BLOB}`],
] as const;
const REQUESTS = [...READS, ...WRITES];
type Asked = (typeof REQUESTS)[number];

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

type Who = 'nobody' | 'an anonymous token' | 'alice' | 'a token of alice' | 'a narrow token';

/** Without what differs in any two answers of a registry: ids of requests. */
function comparable(text: string, name: string): string {
  return text
    .replaceAll(name, 'NAME')
    .replaceAll(encodeURIComponent(name), 'NAME')
    .replace(/"requestId":"[^"]*"/g, '"requestId":""');
}

const WHO: readonly Who[] = [
  'nobody',
  'an anonymous token',
  'alice',
  'a token of alice',
  'a narrow token',
];

async function prepare(registry: TestRegistry): Promise<Record<Who, string | undefined>> {
  const { url } = registry;
  await pushPrivate(url);
  const secrets = await addAlice(registry);
  const alice = basic('alice', secrets.all);
  return {
    nobody: undefined,
    'an anonymous token': await bearerFor(url, undefined),
    alice,
    'a token of alice': await bearerFor(url, alice),
    'a narrow token': basic('alice', secrets.narrow),
  };
}

async function ask(
  at: { url: string; authorization: string | undefined },
  [method, rest]: Asked,
  name: string,
): Promise<Answer> {
  const { url, authorization } = at;
  const hasBody = method === 'PUT' || method === 'PATCH';
  const response = await fetch(`${url}/v2/${name}/${rest}`, {
    method,
    ...(hasBody && { body: rest.startsWith('manifests') ? MANIFEST : CONFIG }),
    headers: {
      ...(authorization !== undefined && { Authorization: authorization }),
      ...(hasBody && { 'Content-Type': OCI_MANIFEST }),
    },
  });
  const headers = Object.fromEntries(
    [...response.headers]
      .filter(([key]) => !/^date$|^content-length$|request-id/.test(key))
      .map(([key, value]) => [key, comparable(value, name)]),
  );
  const body = comparable(await response.text(), name);
  return { status: response.status, headers, body };
}

onBothEngines(
  'hidden repositories',
  ({ test, registry }) => {
    let preparing: ReturnType<typeof prepare> | undefined;
    /** Only inside a test: where an engine is missing there is no registry. */
    const given = async (who: Who) => {
      preparing ??= prepare(registry());
      return (await preparing)[who];
    };

    const asks = async (who: Who, asked: Asked, name: string) =>
      ask({ url: registry().url, authorization: await given(who) }, asked, name);

    describe.each([...WHO])('%s', (who) => {
      test('is answered alike for a private repository and for none', async () => {
        for (const asked of REQUESTS) {
          const [there, absent] = [await asks(who, asked, PRIVATE), await asks(who, asked, ABSENT)];
          expect({ asked, ...there }).toEqual({ asked, ...absent });
        }
      });

      test('clients 9: is answered as the table says', async () => {
        for (const asked of REQUESTS) {
          const { status, headers, body } = await asks(who, asked, PRIVATE);
          const challenge = headers['www-authenticate'] ?? '';
          const isRead = (READS as readonly Asked[]).includes(asked);
          if (who === 'nobody') {
            expect([asked, status]).toEqual([asked, 401]);
            expect(challenge).toContain('scope="repository:NAME:');
            expect(challenge).not.toContain('error=');
          } else if (who === 'an anonymous token') {
            expect([asked, status]).toEqual([asked, 401]);
            expect(challenge).toContain('scope="repository:NAME:');
            expect(challenge).toContain('error="insufficient_scope"');
          } else {
            expect([asked, status]).toEqual([asked, isRead ? 404 : 403]);
            const code = isRead ? 'NAME_UNKNOWN' : 'DENIED';
            if (asked[0] !== 'HEAD') expect(body).toContain(`"${code}"`);
            expect(challenge).toBe('');
          }
        }
      });
    });

    test('clients 33: nothing of it is in the catalog of those who may not see it', async () => {
      for (const who of ['alice', 'a narrow token'] as const) {
        const authorization = (await given(who)) ?? '';
        const response = await fetch(`${registry().url}/v2/_catalog`, {
          headers: { Authorization: authorization },
        });
        expect(await response.json()).toEqual({ repositories: [] });
      }
    });

    test('whoever may read or make it has referrers of what is not there, none', async () => {
      const Authorization = (await given('alice')) ?? '';
      const at = `${registry().url}/v2/team/own/referrers/${ELSEWHERE}`;
      const response = await fetch(at, { headers: { Authorization } });
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ manifests: [] });
    });

    test('whoever may push there and not pull is told of no referrers, whatever is there', async () => {
      const { url } = registry();
      await given('nobody');
      await pushReferrer(url);
      const bob = basic('bob', await addPusher(registry()));
      const credentials = [bob, await bearerFor(url, bob)];
      for (const authorization of credentials) {
        for (const query of ['', '?artifactType=example/sbom']) {
          const asked = ['GET', `referrers/${DIGEST}${query}`] as unknown as Asked;
          const [there, absent] = [
            await ask({ url, authorization }, asked, PRIVATE),
            await ask({ url, authorization }, asked, ABSENT),
          ];
          expect(there).toEqual(absent);
          expect(there.status).toBe(200);
          expect(JSON.parse(there.body)).toMatchObject({ schemaVersion: 2, manifests: [] });
          expect(there.headers['oci-filters-applied']).toBe(
            query === '' ? undefined : 'artifactType',
          );
        }
        // All else that reads is refused as to others.
        const manifest = await ask({ url, authorization }, ['GET', 'manifests/v1'], PRIVATE);
        expect(manifest.status).toBe(404);
      }
      const Authorization = basic('admin', ADMIN_PASSWORD);
      const at = `${url}/v2/${PRIVATE}/referrers/${DIGEST}`;
      const shown = await (await fetch(at, { headers: { Authorization } })).json();
      expect((shown as { manifests: unknown[] }).manifests).toHaveLength(1);
    });
  },
  { isPrivate: true },
);

const ABOUT_ACCESS = /from "(access_state|access_tokens|users|grants|path_settings)"/;
/** Not `uploads` and `payloads`, which work in the background looks at. */
const ABOUT_CONTENT = /(from|join) "(repositories|manifests|tags|repository_blobs)"/;

plainTest('the same statements run for both, and none looks for a repository', async () => {
  const registry = await startTestRegistry({ isPrivate: true });
  const given = await prepare(registry);
  const ran = watchStatements();
  try {
    for (const who of WHO) {
      for (const asked of REQUESTS) {
        const texts: string[][] = [];
        for (const name of [PRIVATE, ABSENT]) {
          // Nothing is remembered of either.
          await forgetAll(registry);
          ran.texts = [];
          await ask({ url: registry.url, authorization: given[who] }, asked, name);
          texts.push(ran.texts.filter((text) => ABOUT_ACCESS.test(text)));
          expect(ran.texts.filter((text) => ABOUT_CONTENT.test(text))).toEqual([]);
        }
        expect(texts[0]?.length).toBeGreaterThan(0);
        expect({ who, asked, ran: texts[0] }).toEqual({ who, asked, ran: texts[1] ?? [] });
      }
    }
  } finally {
    ran.restore();
    await registry.stop();
  }
});
