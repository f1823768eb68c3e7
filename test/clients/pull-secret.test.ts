// A pull secret of Kubernetes: what `docker login` keeps, carried to other machines as
// `.dockerconfigjson`, and used there by docker and by a node. A node is containerd, asked through the
// Container Runtime Interface with the words that the kubelet takes out of the secret.
import { afterAll, beforeAll, expect } from 'bun:test';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ACCESS_CLIENTS, TAG } from './access-clients.ts';
import { peopleOf } from './access-people.ts';
import { accessSuite } from './access-suite.ts';
import { makeHome } from './client-home.ts';
import { clientBinary } from './client-obstacle.ts';
import { describeClients } from './client-suite.ts';
import { type ContainerdDaemon, containerdObstacle, startContainerd } from './containerd-daemon.ts';
import { criPull } from './cri.ts';
import { writeImageLayout } from './oci-layout.ts';
import { pushLayout } from './push-layout.ts';
import { type Account, basicOf } from './registry-under-test.ts';

type Auths = Readonly<{ auths: Readonly<Record<string, Readonly<Record<string, string>>>> }>;

describeClients('kubernetes', ['docker'], ({ docker }) => {
  if (docker === undefined) throw new Error('docker was not opened');
  const { run, refused, image, registry, directory, homeOf } = docker;
  const { check } = accessSuite('docker', docker);
  const obstacle = containerdObstacle();
  const checkNode = obstacle === undefined ? check : docker.checkIf(false, obstacle);
  const people = () => peopleOf(registry());

  const node: { daemon?: ContainerdDaemon } = {};
  beforeAll(async () => {
    if (obstacle === undefined) {
      node.daemon = await startContainerd(directory('node'), { hasCri: true });
    }
  });
  afterAll(() => node.daemon?.stop());

  /** An image that nobody else has; answers its name. */
  async function stocked(repository: string): Promise<string> {
    const layout = directory(`layout-${repository.replaceAll('/', '-')}`);
    writeImageLayout(layout, TAG, { seed: repository, layerBytes: [10_000] });
    await pushLayout(registry(), repository, layout);
    return image(`${repository}:${TAG}`);
  }

  /** Signs in with docker; answers what `kubectl create secret` would take for `.dockerconfigjson`. */
  async function secretOf(account: Account): Promise<string> {
    const home = homeOf(`secret-${account.name}`);
    const { login } = ACCESS_CLIENTS.docker;
    if (login === undefined) throw new Error('docker signs in');
    await run(login(registry().host, account.name), { env: home.env, input: account.password });
    const file = readFileSync(join(home.env.HOME ?? '', '.docker/config.json'));
    return file.toString('base64');
  }

  /** As the kubelet: the part before the first colon of `auth` is the name. */
  function accountIn(secret: string): Account {
    const { auths } = JSON.parse(Buffer.from(secret, 'base64').toString()) as Auths;
    const pair = Buffer.from(auths[registry().host]?.auth ?? '', 'base64').toString();
    const colon = pair.indexOf(':');
    return { name: pair.slice(0, colon), password: pair.slice(colon + 1) };
  }

  function nodePulls(name: string, account?: Account) {
    const { address } = node.daemon ?? {};
    if (address === undefined) throw new Error('containerd was not started');
    return criPull({ address, image: name, account });
  }

  async function readerOf(path: string, user: string): Promise<Account> {
    const account = await people().addUser(user);
    await people().grant({ kind: 'user', name: user }, 'reader', path);
    return account;
  }

  check('docker keeps the password itself, and no token in its place', async () => {
    const account = await readerOf('secret/kept', 'alice');
    const secret = await secretOf(account);
    const { auths } = JSON.parse(Buffer.from(secret, 'base64').toString()) as Auths;
    expect(auths).toEqual({ [registry().host]: { auth: basicOf(account) } });
    expect(accountIn(secret)).toEqual(account);
  });

  check('docker pulls on another machine with the secret alone', async () => {
    const name = await stocked('secret/elsewhere');
    const secret = await secretOf(await readerOf('secret/elsewhere', 'bob'));
    const place = join(directory('elsewhere'), 'home');
    const host = { name: 'docker', binary: clientBinary('docker'), host: registry().host } as const;
    // Whoever lives there signed in as somebody of no use: the secret takes their place.
    const env = makeHome(host, { directory: place, account: { name: 'nobody', password: 'none' } });
    await refused(['pull', name], { env });
    writeFileSync(join(env.HOME ?? '', '.docker/config.json'), Buffer.from(secret, 'base64'));
    await run(['pull', name], { env });
  });

  checkNode('a node pulls with the secret, and not without', async () => {
    const name = await stocked('secret/node');
    const secret = await secretOf(await readerOf('secret/node', 'carol'));
    const without = await nodePulls(name);
    expect(without).toMatchObject({
      isPulled: false,
      message: expect.stringContaining('pull access denied'),
    });
    expect(await nodePulls(name, accountIn(secret))).toMatchObject({ isPulled: true });
  });

  checkNode('a node pulls what is public without a secret', async () => {
    const name = await stocked('secret-open/app');
    await people().makePublic('secret-open');
    expect(await nodePulls(name)).toMatchObject({ isPulled: true });
  });

  checkNode("a node pulls with a robot's token, until it is revoked", async () => {
    const first = await stocked('secret-robot/first');
    const second = await stocked('secret-robot/second');
    const robot = await people().addRobot('secret-robot', 'node');
    await people().grant({ kind: 'robot', name: 'secret-robot:node' }, 'reader', 'secret-robot');
    const account = accountIn(await secretOf(robot.account));
    expect(await nodePulls(first, account)).toMatchObject({ isPulled: true });
    const { account: admin } = registry();
    if (admin === undefined) throw new Error('nobody here may revoke');
    await people().revokeToken(admin, robot);
    expect(await nodePulls(second, account)).toMatchObject({
      isPulled: false,
      message: expect.stringContaining('401 Unauthorized'),
    });
  });
});
