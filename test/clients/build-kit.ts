// Finds a docker command that can build with BuildKit. Knows which versions carry it inside.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { clientVersionOf } from './client-versions.ts';

/** Newer commands need the buildx plugin, which not every machine has. */
const FIRST_WITHOUT_BUILDKIT = 23;

/** The first on the PATH that can, or undefined. */
export function findDockerWithBuildKit(): string | undefined {
  const directories = `${process.env.PATH ?? ''}${delimiter}/usr/bin`.split(delimiter);
  const commands = directories.map((directory) => join(directory, 'docker')).filter(existsSync);
  return [...new Set(commands)].find(canUseBuildKit);
}

function canUseBuildKit(command: string): boolean {
  const major = Number(clientVersionOf('docker', command)?.split('.')[0]);
  if (major < FIRST_WITHOUT_BUILDKIT) return true;
  return Bun.spawnSync([command, 'buildx', 'version'], { stdin: 'ignore' }).exitCode === 0;
}
