// Whether a client can be tested on this machine, and why not. Knows what each client needs beside
// its own program.
import { findClient } from '../support/clients.ts';
import type { ClientName } from './client-names.ts';
import { containerdObstacle } from './containerd-daemon.ts';
import { dockerDaemonObstacle } from './docker-daemon.ts';

export function clientBinary(name: ClientName): string {
  const binary = findClient(name);
  if (binary === undefined) throw new Error(`${name} is not installed`);
  return binary;
}

/** Why this client cannot be tested here, or undefined when it can. */
export function clientObstacle(name: ClientName): string | undefined {
  if (findClient(name) === undefined) return `${name} is not installed`;
  if (name === 'docker') return dockerDaemonObstacle();
  if (name === 'ctr') return containerdObstacle();
  // Without root these two need ranges of user ids that an administrator must have given.
  if (name === 'podman' || name === 'buildah') return rootObstacle(name);
  return undefined;
}

function rootObstacle(name: string): string | undefined {
  return process.getuid?.() === 0 ? undefined : `${name} is tested as root only`;
}
