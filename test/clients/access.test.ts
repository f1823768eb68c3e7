// Signing in and out with each client: passwords, access tokens, robots, second factors, and the identity
// tokens of pipelines. The same checks for all of them; where a client differs, the check says so.
import { afterAll, beforeAll, expect } from 'bun:test';
import { type SuiteIssuer, startIssuer, times } from '../../src/access/keyless/suite-issuer.ts';
import { TAG } from './access-clients.ts';
import { accessSuite } from './access-suite.ts';
import { WORDS } from './access-words.ts';
import { filesHolding } from './client-home.ts';
import { CLIENT_NAMES, type ClientName } from './client-names.ts';
import { type ClientSuite, describeClient } from './client-suite.ts';
import { manifestStatus } from './registry-content.ts';
import { newPassword } from './registry-under-test.ts';

/** Within this time after it was answered, a change holds on every node. */
const REVOKED_WITHIN_MS = 1000;
const AUDIENCE = 'https://registry.example';

for (const name of CLIENT_NAMES) describeClient(name, (suite) => describeSignIn(name, suite));

function describeSignIn(name: ClientName, suite: ClientSuite): void {
  const access = accessSuite(name, suite);
  const { check, client, people, signedIn, push, pull, stock } = access;
  const { homeOf, registry, run } = suite;
  const words = WORDS[name];
  const isBlind = client.login === undefined || client.isLoginBlind === true;

  /** Somebody whose credentials were put where the client looks for them, and not by the client. */
  const filledHome = (account: Parameters<typeof homeOf>[1]) => homeOf('filled', account);

  check('signs in with a password, then pushes and pulls', async () => {
    const account = await people().addUser('alice');
    await people().grant({ kind: 'user', name: 'alice' }, 'writer', 'right');
    const alice = await signedIn(account);
    await push(alice, 'right/app');
    await pull(alice, 'right/app');
  });

  check(
    isBlind
      ? 'is refused with a wrong password when it pulls: it asks nobody before'
      : 'is refused with a wrong password when it signs in',
    async () => {
      const { name: user } = await people().addUser('bob');
      await people().grant({ kind: 'user', name: 'bob' }, 'reader', 'wrong');
      await stock('wrong/app');
      const wrong = { name: user, password: newPassword() };
      const { said, kept } = await access.refusedSignIn(wrong, 'wrong/app');
      expect(said).toMatch(words.wrongPassword);
      // regctl says that it keeps it all the same.
      expect(kept.length).toBe(name === 'regctl' ? 1 : 0);
    },
  );

  check('signs in with an access token, under any user name', async () => {
    const account = await people().addUser('carol');
    await people().grant({ kind: 'user', name: 'carol' }, 'writer', 'token');
    const token = await people().addToken(account);
    const carol = await signedIn(token.account);
    await push(carol, 'token/app');
    await pull(carol, 'token/app');
  });

  check('pulls no more within a second after its token was revoked', async () => {
    const account = await people().addUser('dave');
    await people().grant({ kind: 'user', name: 'dave' }, 'reader', 'revoked');
    await stock('revoked/app');
    const token = await people().addToken(account);
    const dave = await signedIn(token.account);
    await pull(dave, 'revoked/app');
    await people().revokeToken(account, token);
    const answered = performance.now();
    let said: string | undefined;
    while (said === undefined) {
      const isLate = performance.now() - answered > REVOKED_WITHIN_MS;
      // What begins after that second must be refused; before, it may be.
      const refusal = access.pullRefused(dave, 'revoked/app');
      said = await (isLate ? refusal : refusal.catch(() => undefined));
    }
    expect(said).toMatch(words.revoked);
  });

  const { logout } = client;
  if (logout !== undefined) {
    check('signs out and forgets the password', async () => {
      const account = await people().addUser('erin');
      await people().grant({ kind: 'user', name: 'erin' }, 'reader', 'out');
      await stock('out/app');
      const erin = await signedIn(account);
      await pull(erin, 'out/app');
      expect(filesHolding(erin.directory, account)).not.toEqual([]);
      await run(logout(registry().host), { env: erin.env });
      expect(filesHolding(erin.directory, account)).toEqual([]);
      await access.pullRefused(erin, 'out/app');
    });
  }

  const isTold = !['ctr', 'regctl'].includes(name);
  const need = isTold
    ? 'is told to use an access token where a second factor is on'
    : 'needs an access token where a second factor is on, and is not told why';
  check(need, async () => {
    const account = await people().addUser('frank');
    await people().grant({ kind: 'user', name: 'frank' }, 'writer', 'factor');
    await stock('factor/app');
    const token = await people().addToken(account);
    await people().addSecondFactor(account);
    const { said } = await access.refusedSignIn(account, 'factor/app');
    expect(said).toMatch(words.secondFactor);
    if (['podman', 'buildah', 'skopeo'].includes(name)) {
      const later = await access.pullRefused(filledHome(account), 'factor/app');
      expect(later).toMatch(WORDS.crane.secondFactor);
    }
    const frank = await signedIn(token.account);
    await push(frank, 'factor/other');
    await pull(frank, 'factor/app');
  });

  check("works with a robot's token, at the robot's path", async () => {
    const { account } = await people().addRobot('robots', 'ci');
    await people().grant({ kind: 'robot', name: 'robots:ci' }, 'writer', 'robots');
    const robot = await signedIn(account);
    await push(robot, 'robots/app');
    await pull(robot, 'robots/app');
    expect(await access.pushRefused(robot, 'elsewhere/app')).toMatch(words.mayNotPush);
  });

  const state: { issuer?: SuiteIssuer } = {};
  beforeAll(async () => {
    state.issuer = await startIssuer();
  });
  afterAll(() => state.issuer?.close());

  check('pushes with the identity token of a pipeline, where its claims allow', async () => {
    const { issuer } = state;
    if (issuer === undefined) throw new Error('the issuer was not started');
    await people().addTrustPolicy({
      path: 'ci',
      name: 'pipelines',
      issuer: issuer.issuer,
      audience: AUDIENCE,
      conditions: { project_path: 'group/*' },
      grants: [{ actions: ['pull', 'push'], names: ['ci/{project_path}'] }],
    });
    const jobOf = async (project: string) => {
      const claims = { aud: AUDIENCE, sub: `project_path:${project}`, project_path: project };
      const password = await issuer.sign({ ...claims, ...times(Date.now()) });
      return { name: 'oidc', password };
    };
    const job = await signedIn(await jobOf('group/app'));
    await push(job, 'ci/group/app');
    expect(await manifestStatus(registry(), 'ci/group/app', TAG)).toBe(200);
    expect(await access.pushRefused(job, 'ci/group/other')).toMatch(words.mayNotPush);
    expect(await manifestStatus(registry(), 'ci/group/other', TAG)).toBe(404);
    const { said } = await access.refusedSignIn(await jobOf('other/app'), 'ci/group/app');
    expect(said).toMatch(words.untrusted);
  });
}
