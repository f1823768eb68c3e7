// Pipelines of GitHub Actions and GitLab CI, by tokens as those make them: they push where their claims say
// and nowhere else, in exchange for an access token and with their own token as the password.
import { afterAll, beforeAll, expect } from 'bun:test';
import {
  githubClaims,
  gitlabClaims,
  type SuiteIssuer,
  startIssuer,
  times,
} from '../../src/access/keyless/suite-issuer.ts';
import { SYSTEM as actor } from '../../src/metadata/audit.ts';
import { basic } from '../support/people.ts';
import { onBothEngines } from './engines.ts';

const AUDIENCE = 'https://registry.example';
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

interface Pipelines {
  readonly path: string;
  readonly policy: { conditions: Record<string, string[]>; names: string[] };
  /** What it may push to. */
  readonly own: string;
  claims(change?: { project?: string; ref?: string }): Record<string, unknown>;
  /** Each does not fit the policy, and what the refusal says. */
  readonly strangers: readonly (readonly [{ project?: string; ref?: string }, string])[];
}

const KINDS: Readonly<Record<string, Pipelines>> = {
  'GitHub Actions': {
    path: 'octo',
    policy: {
      conditions: { repository_owner: ['Octo'], ref: ['refs/heads/main', 'refs/tags/v*'] },
      names: ['octo/{repository}'],
    },
    own: 'octo/octo/app',
    claims: ({ project = 'Octo/App', ref = 'refs/tags/v1.2' } = {}) => githubClaims(project, ref),
    strangers: [
      [{ project: 'Evil/App' }, 'repository_owner is Evil'],
      [{ project: 'Octo2/App' }, 'repository_owner is Octo2'],
      [{ ref: 'refs/pull/7/merge' }, 'ref is refs/pull/7/merge'],
    ],
  },
  'GitLab CI': {
    path: 'group',
    policy: {
      conditions: { project_path: ['group/*'], ref: ['main'] },
      names: ['group/images/{project_path}'],
    },
    own: 'group/images/group/sub/app',
    claims: ({ project = 'group/sub/app', ref = 'main' } = {}) => gitlabClaims(project, ref),
    strangers: [
      [{ project: 'groups/app' }, 'project_path is groups/app'],
      [{ ref: 'feature' }, 'ref is feature'],
    ],
  },
};

onBothEngines(
  'pipelines',
  ({ test, registry }) => {
    const issuers = new Map<string, SuiteIssuer>();
    beforeAll(async () => {
      for (const kind of Object.keys(KINDS)) issuers.set(kind, await startIssuer());
    });
    afterAll(async () => {
      for (const issuer of issuers.values()) await issuer.close();
    });

    const begin = async (path: string, authorization: string) =>
      fetch(`${registry().url}/v2/${path}/blobs/uploads/`, {
        method: 'POST',
        headers: { Authorization: authorization },
      });
    const bearer = async (path: string, password: string) => {
      const headers = { Authorization: basic('oidc', password) };
      const scope = `repository:${path}:pull,push,delete`;
      return fetch(`${registry().url}/token?scope=${scope}`, { headers });
    };
    const exchange = (token: string) =>
      fetch(`${registry().url}/token`, {
        method: 'POST',
        body: new URLSearchParams({ grant_type: EXCHANGE, subject_token: token }),
      });

    for (const [kind, { path, policy, own, claims, strangers }] of Object.entries(KINDS)) {
      test(`of ${kind} push where their claims allow, and nowhere else`, async () => {
        const issuer = issuers.get(kind);
        if (issuer === undefined) throw new Error('the issuer was not started');
        const { program } = registry();
        const id = await program.commands.run('createTrustPolicy', {
          path,
          name: 'ci',
          issuer: issuer.issuer,
          audience: AUDIENCE,
          conditions: policy.conditions,
          grants: [{ actions: ['pull', 'push'], names: policy.names }],
          lifetimeMs: 3_600_000,
          actor,
        });
        const now = times(Date.now());
        const signed = (change: object = {}, rest: object = {}) =>
          issuer.sign({ ...claims(change), aud: AUDIENCE, ...now, ...rest });
        const jwt = await signed();

        // Its own token as the password, as docker sends it.
        const given = (await (await bearer(own, jwt)).json()) as { token: string; scope: string };
        expect(given.scope).toBe(`repository:${own}:pull,push`);
        const { access_token: secret } = (await (await exchange(jwt)).json()) as Record<
          string,
          string
        >;
        expect(secret).toMatch(/^ept_/);
        const shown = [`Bearer ${given.token}`, basic('oidc', jwt), basic('x', secret ?? '')];
        const beside = [`${own}2`, `${own}/sub`, path, 'elsewhere/app'];
        for (const authorization of shown) {
          expect((await begin(own, authorization)).status).toBe(202);
          for (const other of beside) {
            expect([other, (await begin(other, authorization)).status]).toEqual([other, 403]);
          }
        }

        for (const [change, why] of strangers) {
          for (const answer of [
            await bearer(own, await signed(change)),
            await exchange(await signed(change)),
          ]) {
            expect(answer.status).toBe(401);
            expect(await answer.text()).toContain(why);
          }
        }
        const past = { iat: now.iat - 7_200, nbf: now.iat - 7_200, exp: now.iat - 3_600 };
        const wrong: readonly (readonly [object, string])[] = [
          [{ aud: 'https://another.example' }, 'aud is https://another.example'],
          [past, 'expired'],
          [{ nbf: now.exp + 3_600 }, 'counts only from'],
        ];
        for (const [rest, why] of wrong) {
          const answer = await exchange(await signed({}, rest));
          expect([why, answer.status]).toEqual([why, 401]);
          expect(await answer.text()).toContain(why);
        }

        // All of it ends with the policy.
        await program.commands.run('disableTrustPolicy', { id, actor });
        for (const authorization of shown) {
          expect((await begin(own, authorization)).status).toBe(401);
        }
      });
    }
  },
  { isPrivate: true, allowedHosts: ['127.0.0.1'] },
);
