// Completes package-lock.json after `npm install`: npm leaves out optional packages for other systems
// when the registry that it asked does not hold them, and `npm ci` then refuses the whole lock file.
// Run it after a dependency was added: node scripts/complete-lock-file.mjs. A test says when it is due.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];
const PROCESSORS = ['arm', 'arm64', 'ia32', 'ppc64', 'riscv64', 's390x', 'x64'];

function nameOf(path) {
  return path.split('node_modules/').pop();
}

/** @returns {{ name: string, version: string, by: string }[]} what packages name and the lock file lacks */
export function absentPackages(packages) {
  const held = new Set(Object.keys(packages).map(nameOf));
  return Object.entries(packages).flatMap(([by, entry]) =>
    Object.entries(entry.optionalDependencies ?? {})
      .filter(([name]) => !held.has(name))
      .map(([name, version]) => ({ name, version, by })),
  );
}

function entryFor({ name, version, by }, packages) {
  const words = name.split(/[-/]/);
  const system = SYSTEMS.find((word) => words.includes(word));
  const processor = PROCESSORS.find((word) => words.includes(word));
  if (system === undefined || processor === undefined || !/^\d+\.\d+\.\d+/.test(version)) {
    throw new Error(`${by} names ${name}@${version}, which the lock file lacks: add it by hand`);
  }
  const libc = words.some((word) => word.startsWith('musl'))
    ? ['musl']
    : words.some((word) => word.startsWith('gnu'))
      ? ['glibc']
      : undefined;
  return {
    version,
    cpu: [processor],
    ...(packages[by].dev ? { dev: true } : {}),
    ...(libc ? { libc } : {}),
    optional: true,
    os: [system],
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const path = join(import.meta.dirname ?? '.', '../package-lock.json');
  const lock = JSON.parse(readFileSync(path, 'utf8'));
  for (const absent of absentPackages(lock.packages)) {
    lock.packages[`node_modules/${absent.name}`] = entryFor(absent, lock.packages);
    process.stdout.write(`added ${absent.name}@${absent.version}\n`);
  }
  lock.packages = Object.fromEntries(
    Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')),
  );
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
}
