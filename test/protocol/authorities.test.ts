// Authorities that an administrator trusts count wherever the registry asks an address that was set: an
// issuer of a trust policy, a provider to sign in at. Without them nobody is believed.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import {
  createSuiteAuthority,
  type SuiteAuthority,
} from '../../src/access/keyless/suite-certificates.ts';
import {
  githubClaims,
  type SuiteIssuer,
  startIssuer,
  times,
} from '../../src/access/keyless/suite-issuer.ts';
import { SYSTEM } from '../../src/metadata/audit.ts';
import { startTestRegistry, type TestRegistry } from '../support/entrepot.ts';

let authority: SuiteAuthority;
let issuer: SuiteIssuer;
beforeAll(async () => {
  authority = await createSuiteAuthority();
  issuer = await startIssuer('ES256', await authority.issue('localhost'));
});
afterAll(() => issuer.close());

async function withRegistry<T>(
  authorities: readonly string[],
  work: (registry: TestRegistry) => Promise<T>,
): Promise<T> {
  const registry = await startTestRegistry({
    authorities,
    allowedHosts: ['localhost'],
    isPrivate: true,
    access: { external: { oidc: [provider()], ldap: undefined } },
  });
  try {
    return await work(registry);
  } finally {
    await registry.stop();
  }
}

function provider() {
  return {
    name: 'company',
    label: 'Company',
    issuer: issuer.issuer,
    clientId: 'entrepot',
    clientSecret: undefined,
    scopes: [],
    claims: { name: 'name', email: 'email', displayName: 'name', groups: 'groups' },
    teams: [],
    rules: { allowSignUp: false, linkByEmail: false, emailDomains: [] },
    offline: false,
  };
}

/** The status of an exchange of a token by the issuer, which a policy of the registry trusts. */
async function exchange({ url, program }: TestRegistry): Promise<number> {
  await program.commands.run('createTrustPolicy', {
    path: 'team',
    name: 'ci',
    issuer: issuer.issuer,
    audience: 'entrepot',
    conditions: { repository: ['Octo/App'] },
    grants: [{ actions: ['push'], names: ['team/app'] }],
    lifetimeMs: 3_600_000,
    actor: SYSTEM,
  });
  const claims = { ...githubClaims(), aud: 'entrepot', ...times(Date.now()) };
  const body = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    subject_token: await issuer.sign(claims),
  });
  return (await fetch(`${url}/token`, { method: 'POST', body })).status;
}

async function redirect({ program }: TestRegistry): Promise<string> {
  const redirectUri = 'https://registry.example/callback';
  const { external } = program.answer.api;
  return external.begin('company', { redirectUri }).then(
    ({ redirectTo }) => new URL(redirectTo).origin,
    (error: unknown) => String(error),
  );
}

describe('a server whose certificate is by an authority of the company', () => {
  test('is asked when the authority is trusted', async () => {
    await withRegistry([authority.certificate], async (registry) => {
      expect(await exchange(registry)).toBe(200);
      expect(await redirect(registry)).toBe(issuer.issuer);
    });
  });

  test('is not believed without it', async () => {
    const other = await createSuiteAuthority();
    for (const authorities of [[], [other.certificate]]) {
      await withRegistry(authorities, async (registry) => {
        expect(await exchange(registry)).toBe(503);
        expect(await redirect(registry)).toContain('cannot be reached');
      });
    }
  });
});
