// How each client signs in and out, pushes, pulls and copies: its own words for what access.test.ts asks
// of all of them. Knows nothing of users and rights.
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { ClientName } from './client-names.ts';
import type { ClientSuite } from './client-suite.ts';
import { ctrFlags } from './ctr-flags.ts';
import { writeImageLayout } from './oci-layout.ts';
import { pushLayout } from './push-layout.ts';
import type { Account } from './registry-under-test.ts';
import { runCommand } from './run-command.ts';
import { seededBytes } from './seeded-bytes.ts';
import { tarOf } from './tar.ts';

/** A tag that is a version too: helm knows no other. */
export const TAG = '1.0.0';

export type Transfer = Readonly<{
  /** `host:port/name`, without the tag. */
  image: string;
  /** Where `prepare` left what is pushed. */
  source: string;
  /** Empty: for what is pulled. */
  target: string;
  /** For a client that is told with each command who asks. */
  account?: Account | undefined;
}>;

type Order = readonly string[];

export type AccessClient = Readonly<{
  /** The password comes on the standard input. Absent: it keeps no sign-in. */
  login?: ((host: string, user: string) => Order) | undefined;
  logout?: ((host: string) => Order) | undefined;
  /** It asks the registry nothing when it signs in. */
  isLoginBlind?: true;
  /** Makes what is pushed, without asking the registry as somebody. */
  prepare(suite: ClientSuite, transfer: Transfer): Promise<unknown>;
  push(transfer: Transfer): Order;
  pull(transfer: Transfer): Order;
  /** In one go, from a repository that it reads. */
  copy?: (from: Transfer, to: Transfer) => Order;
  /** Gives what is in its own store another name; it remembers where it pushed or pulled it. */
  rename?: (from: Transfer, to: Transfer) => Order;
}>;

const tagged = ({ image }: Transfer) => `${image}:${TAG}`;
const tag = (from: Transfer, to: Transfer) => ['tag', tagged(from), tagged(to)];
const PASSWORD = '--password-stdin';

const docker: AccessClient = {
  login: (host, user) => ['login', '-u', user, PASSWORD, host],
  logout: (host) => ['logout', host],
  prepare: (suite, transfer) => {
    const input = tarOf([{ path: 'data', bytes: contentOf(transfer) }]);
    return suite.run(['import', '-', tagged(transfer)], { input });
  },
  push: (transfer) => ['push', tagged(transfer)],
  pull: (transfer) => ['pull', tagged(transfer)],
  rename: tag,
};

/** podman and buildah. `pull`: so that an image that is there already is asked for again. */
function containersClient({ build, pull }: { build: string; pull: Order }): AccessClient {
  return {
    ...docker,
    pull: (from) => [...pull, tagged(from)],
    prepare(suite, transfer) {
      writeFileSync(join(transfer.source, 'data'), contentOf(transfer));
      writeFileSync(join(transfer.source, 'Dockerfile'), 'FROM scratch\nCOPY data /data\n');
      return suite.run([build, '-t', tagged(transfer), '.'], { cwd: transfer.source });
    },
  };
}

const skopeo: AccessClient = {
  login: docker.login,
  logout: docker.logout,
  prepare: writeLayout,
  push: (to) => ['copy', `oci:${to.source}:${TAG}`, `docker://${tagged(to)}`],
  pull: (from) => ['copy', `docker://${tagged(from)}`, `oci:${from.target}:${TAG}`],
  copy: (from, to) => ['copy', `docker://${tagged(from)}`, `docker://${tagged(to)}`],
};

const crane: AccessClient = {
  login: (host, user) => ['auth', 'login', host, '-u', user, PASSWORD],
  logout: (host) => ['auth', 'logout', host],
  isLoginBlind: true,
  prepare: writeLayout,
  push: (to) => ['push', to.source, tagged(to)],
  pull: (from) => ['pull', '--format=oci', tagged(from), from.target],
  copy: (from, to) => ['copy', tagged(from), tagged(to)],
};

const regctl: AccessClient = {
  login: (host, user) => ['registry', 'login', host, '-u', user, '--pass-stdin'],
  logout: (host) => ['registry', 'logout', host],
  prepare: writeLayout,
  push: (to) => ['image', 'copy', `ocidir://${to.source}:${TAG}`, tagged(to)],
  pull: (from) => ['image', 'copy', tagged(from), `ocidir://${from.target}:${TAG}`],
  copy: (from, to) => ['image', 'copy', tagged(from), tagged(to)],
};

const oras: AccessClient = {
  login: (host, user) => ['login', '--plain-http', host, '-u', user, PASSWORD],
  logout: docker.logout,
  prepare: writeLayout,
  push: (to) => {
    const layout = ['--from-oci-layout', `${to.source}:${TAG}`];
    return ['copy', ...layout, '--to-plain-http', tagged(to)];
  },
  pull: (from) => {
    const layout = ['--to-oci-layout', `${from.target}:${TAG}`];
    return ['copy', '--from-plain-http', tagged(from), ...layout];
  },
  copy: (from, to) => ['copy', '--from-plain-http', '--to-plain-http', tagged(from), tagged(to)],
};

const cosign: AccessClient = {
  login: (host, user) => ['login', host, '-u', user, PASSWORD],
  isLoginBlind: true,
  /** It pushes only what it saved. */
  async prepare(suite, transfer) {
    const layout = join(transfer.source, 'layout');
    mkdirSync(layout);
    await writeLayout(suite, { ...transfer, source: layout });
    await pushLayout(suite.registry(), 'prepared', layout);
    const saved = join(transfer.source, 'saved');
    await suite.run(['save', '--dir', saved, suite.image(`prepared:${TAG}`)]);
  },
  push: (to) => ['load', '--dir', join(to.source, 'saved'), tagged(to)],
  pull: (from) => ['save', '--dir', from.target, tagged(from)],
  copy: (from, to) => ['copy', tagged(from), tagged(to)],
};

const helm: AccessClient = {
  login: (host, user) => ['registry', 'login', '--plain-http', host, '-u', user, PASSWORD],
  logout: (host) => ['registry', 'logout', host],
  prepare(suite, { image, source }) {
    const chart = join(source, basename(image));
    mkdirSync(chart);
    const about = `apiVersion: v2\nname: ${basename(image)}\nversion: ${TAG}\n`;
    writeFileSync(join(chart, 'Chart.yaml'), about);
    return suite.run(['package', chart], { cwd: source });
  },
  push: ({ image, source }) => {
    const file = join(source, `${basename(image)}-${TAG}.tgz`);
    return ['push', '--plain-http', file, `oci://${dirname(image)}`];
  },
  pull: ({ image, target }) => {
    return ['pull', '--plain-http', `oci://${image}`, '--version', TAG, '-d', target];
  },
};

const ctr: AccessClient = {
  async prepare(suite, transfer) {
    await writeLayout(suite, transfer);
    const archive = join(transfer.target, 'layout.tar');
    const tar = ['tar', '-cf', archive, '-C', transfer.source, '.'];
    await runCommand(tar, { cwd: transfer.source, env: { PATH: '/usr/bin:/bin' } });
    const flags = ['--no-unpack', '--base-name', transfer.image];
    await suite.run(['images', 'import', ...flags, archive]);
  },
  push: (to) => ['images', 'push', ...ctrFlags(to), tagged(to)],
  pull: (from) => ['content', 'fetch', ...ctrFlags(from), tagged(from)],
  rename: (from, to) => ['images', ...tag(from, to)],
};

export const ACCESS_CLIENTS: Readonly<Record<ClientName, AccessClient>> = {
  docker,
  ctr,
  podman: containersClient({ build: 'build', pull: ['pull'] }),
  buildah: containersClient({ build: 'bud', pull: ['pull', '--policy', 'always'] }),
  skopeo,
  crane,
  regctl,
  oras,
  cosign,
  helm,
};

async function writeLayout(_suite: ClientSuite, { image, source }: Transfer): Promise<void> {
  writeImageLayout(source, TAG, { seed: image, layerBytes: [20_000] });
}

function contentOf({ image }: Transfer): Buffer {
  return seededBytes(image, 20_000);
}
