// Which version of a client is installed: for the matrix. Knows how each client tells its version, and nothing else of it.
import { findClient } from '../support/clients.ts';
import type { ClientName } from './client-names.ts';
import { findContainerd } from './containerd-daemon.ts';
import { findDockerDaemon } from './docker-daemon.ts';

const QUESTION: Readonly<Record<ClientName, readonly string[]>> = {
  docker: ['--version'],
  ctr: ['--version'],
  podman: ['--version'],
  buildah: ['--version'],
  skopeo: ['--version'],
  crane: ['version'],
  regctl: ['version', '--format', '{{.VCSTag}}'],
  oras: ['version'],
  cosign: ['version'],
  helm: ['version', '--template', '{{.Version}}'],
};
const NUMBER = /\d+\.\d+(?:\.\d+)?/;

/** `28.2.2`, or undefined when the client is not installed or does not tell. */
export function clientVersion(name: ClientName): string | undefined {
  const binary = findClient(name);
  return binary === undefined ? undefined : clientVersionOf(name, binary);
}

export function clientVersionOf(name: ClientName, binary: string): string | undefined {
  return askVersion([binary, ...QUESTION[name]]);
}

/** The version of the server that the client needs beside it, where it needs one. */
export function clientDaemonVersion(name: ClientName): string | undefined {
  const binary =
    name === 'docker' ? findDockerDaemon() : name === 'ctr' ? findContainerd() : undefined;
  return binary === undefined ? undefined : askVersion([binary, '--version']);
}

function askVersion(command: readonly string[]): string | undefined {
  const answer = Bun.spawnSync([...command], { stdin: 'ignore', timeout: 30_000 });
  return answer.stdout.toString().match(NUMBER)?.[0];
}
