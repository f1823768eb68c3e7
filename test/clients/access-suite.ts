// One client and several people: who they are is a home or, for a client that keeps nothing, a word in
// each command. Knows no single check.
import { ACCESS_CLIENTS, type AccessClient, type Transfer } from './access-clients.ts';
import { type People, peopleOf } from './access-people.ts';
import { filesHolding, type Home } from './client-home.ts';
import type { ClientName } from './client-names.ts';
import type { Check, ClientSuite } from './client-suite.ts';
import { triedAgain } from './push-with-ctr.ts';
import type { Account } from './registry-under-test.ts';
import type { CommandOutput } from './run-command.ts';

type Env = Readonly<Record<string, string>>;
/** Somebody at their client. */
export type Visitor = Home & Readonly<{ env: Env }>;
type Order = readonly string[];

export type AccessSuite = Readonly<{
  client: AccessClient;
  /** Only where the registry is ours, and people can be made. */
  check: Check;
  people(): People;
  administrator(): Visitor;
  /** Somebody new, whose home is empty. */
  stranger(): Visitor;
  /** Somebody new who signs in, with the client's own command where it has one. */
  signedIn(account: Account): Promise<Visitor>;
  /** Signing in that must fail, or that is found out at the first pull of `repository`. */
  refusedSignIn(account: Account, repository: string): Promise<RefusedSignIn>;
  push(by: Visitor, repository: string): Promise<CommandOutput>;
  pull(by: Visitor, repository: string): Promise<CommandOutput>;
  pushRefused(by: Visitor, repository: string): Promise<string>;
  pullRefused(by: Visitor, repository: string): Promise<string>;
  /** Pushed by the administrator. */
  stock(repository: string): Promise<void>;
  copy(by: Visitor, way: Way): Promise<CommandOutput>;
  copyRefused(by: Visitor, way: Way): Promise<string>;
  /** Gives what is in the client's own store the name of another repository, and pushes that. */
  pushAgain(by: Visitor, way: Way): Promise<CommandOutput>;
}>;

export type Way = Readonly<{ from: string; to: string }>;
export type RefusedSignIn = Readonly<{ said: string; kept: readonly string[] }>;

export function accessSuite(name: ClientName, suite: ClientSuite): AccessSuite {
  const client = ACCESS_CLIENTS[name];
  const { image, directory, registry, homeOf } = suite;
  let count = 0;
  const fresh = (what: string) => {
    count += 1;
    return `${what}-${name}-${count}`;
  };
  const host = () => registry().host;
  const administrator = () => ({ ...homeOf('admin', registry().account), env: {} });
  const transferOf = ({ account }: { account?: Account | undefined }, repository: string) => ({
    image: image(repository),
    source: directory(`source-${name}-${repository.replaceAll('/', '-')}`),
    target: directory(fresh('target')),
    account,
  });
  const stranger = () => homeOf(fresh('home'));
  const prepared = new Set<string>();

  async function prepare(transfer: Transfer): Promise<void> {
    if (prepared.has(transfer.image)) return;
    prepared.add(transfer.image);
    await client.prepare(suite, transfer);
  }

  const run = (order: Order, { env }: { env: Env }, input?: string) =>
    triedAgain(() => suite.run(order, { env, ...(input !== undefined && { input }) }));
  const refused = async (order: Order, { env }: { env: Env }, input?: string) => {
    const output = await suite.refused(order, { env, ...(input !== undefined && { input }) });
    return `${output.stdout}\n${output.stderr}`;
  };

  async function pushOrder(by: Visitor, repository: string): Promise<Order> {
    const transfer = transferOf(by, repository);
    await prepare(transfer);
    return client.push(transfer);
  }
  const pullOrder = (by: Visitor, repository: string) => client.pull(transferOf(by, repository));
  const copyOrder = (by: Visitor, { from, to }: Way): Order => {
    if (client.copy === undefined) throw new Error(`${name} copies nothing`);
    return client.copy(transferOf(by, from), transferOf(by, to));
  };

  const isOurs = process.env.ENTREPOT_TEST_REGISTRY_URL === undefined;
  return {
    client,
    check: suite.checkIf(isOurs, 'users are made in a registry of our own only'),
    people: () => peopleOf(registry()),
    administrator,
    stranger,
    async signedIn(account) {
      const home = stranger();
      if (client.login === undefined) return { ...home, account };
      await run(client.login(host(), account.name), home, account.password);
      return home;
    },
    async refusedSignIn(account, repository) {
      const home = stranger();
      const { login } = client;
      if (login === undefined || client.isLoginBlind === true) {
        if (login) await run(login(host(), account.name), home, account.password);
        const by = login ? home : { ...home, account };
        return { said: await refused(pullOrder(by, repository), by), kept: [] };
      }
      const said = await refused(login(host(), account.name), home, account.password);
      return { said, kept: filesHolding(home.directory, account) };
    },
    push: async (by, repository) => run(await pushOrder(by, repository), by),
    pull: (by, repository) => run(pullOrder(by, repository), by),
    pushRefused: async (by, repository) => refused(await pushOrder(by, repository), by),
    pullRefused: (by, repository) => refused(pullOrder(by, repository), by),
    async stock(repository) {
      await run(await pushOrder(administrator(), repository), administrator());
    },
    copy: (by, way) => run(copyOrder(by, way), by),
    copyRefused: (by, way) => refused(copyOrder(by, way), by),
    async pushAgain(by, { from, to }) {
      if (client.rename === undefined) throw new Error(`${name} has no store of its own`);
      const [source, target] = [transferOf(by, from), transferOf(by, to)];
      prepared.add(target.image);
      await run(client.rename(source, target), administrator());
      return run(client.push(target), by);
    },
  };
}
