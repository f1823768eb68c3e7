// What `npm test` runs, in its order, and how long each part may take. `docs/ci.md` explains the limits.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export interface ToolStage {
  readonly kind: 'tool';
  readonly name: string;
  readonly about: string;
  readonly limitSeconds: number;
  /** A JavaScript file under node_modules and its arguments; run with Bun, whatever Node is installed. */
  readonly command: readonly string[];
}

export interface TestGroup {
  readonly kind: 'tests';
  readonly name: string;
  readonly about: string;
  readonly limitSeconds: number;
  /** For one test that sets no time of its own. */
  readonly testLimitSeconds: number;
  /** Folders of the checkout, or single test files. */
  readonly paths: readonly string[];
}

export type Stage = ToolStage | TestGroup;

export const STAGES: readonly Stage[] = [
  {
    kind: 'tool',
    name: 'types',
    about: 'TypeScript in its strictest form',
    limitSeconds: 120,
    command: ['typescript/bin/tsc', '-p', '.'],
  },
  {
    kind: 'tool',
    name: 'lint',
    about: 'format and lint (npx biome check --write mends most of it)',
    limitSeconds: 60,
    command: ['@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'],
  },
  {
    kind: 'tool',
    name: 'dependencies',
    about: 'which folder may import which',
    limitSeconds: 60,
    command: [
      'dependency-cruiser/bin/dependency-cruiser.mjs',
      '--config=.dependency-cruiser.cjs',
      '--output-type=err-long',
      'src',
      'test',
      'bench',
    ],
  },
  {
    kind: 'tool',
    name: 'unused',
    about: 'files, exports and packages that nothing uses',
    limitSeconds: 90,
    command: ['knip/bin/knip.js', '--no-progress'],
  },
  {
    kind: 'tests',
    name: 'unit',
    about: 'every module, property tests, and the suites of every driver',
    limitSeconds: 480,
    testLimitSeconds: 20,
    paths: ['src', 'scripts', 'bench', 'test/support', 'test/architecture', 'test/metadata'],
  },
  {
    kind: 'tests',
    name: 'protocol',
    about: 'the HTTP surface of a whole server, its fuzzing and its memory',
    limitSeconds: 300,
    testLimitSeconds: 60,
    paths: ['test/protocol'],
  },
  {
    kind: 'tests',
    name: 'clients',
    about: 'docker, containerd, podman, buildah, skopeo, crane, regctl, oras, cosign, helm',
    limitSeconds: 1080,
    testLimitSeconds: 180,
    paths: ['test/clients'],
  },
  {
    kind: 'tests',
    name: 'browser',
    about: 'the web page',
    limitSeconds: 240,
    testLimitSeconds: 60,
    paths: ['test/browser'],
  },
  {
    kind: 'tests',
    name: 'simulation',
    about: 'the real use cases over failing storage, driven by one seed',
    limitSeconds: 300,
    testLimitSeconds: 240,
    paths: ['test/simulation'],
  },
  {
    kind: 'tests',
    name: 'crash',
    about: 'kill -9 during pushes',
    limitSeconds: 300,
    testLimitSeconds: 240,
    paths: ['test/crash'],
  },
];

/** The stages that this checkout has: a group exists when one of its folders does. */
export function stagesOf(root: string): Stage[] {
  return STAGES.flatMap((stage): Stage[] => {
    if (stage.kind === 'tool') return [stage];
    const paths = stage.paths.filter((path) => existsSync(join(root, path)));
    return paths.length === 0 ? [] : [{ ...stage, paths }];
  });
}

/**
 * What the arguments of `npm test -- …` ask for: names of stages, or test files and folders by path.
 * @returns a sentence when an argument is neither.
 */
export function chooseStages(stages: readonly Stage[], asked: readonly string[]): Stage[] | string {
  if (asked.length === 0) return [...stages];
  const names = stages.map((stage) => stage.name);
  const paths = asked.filter((word) => word.includes('/'));
  const unknown = asked.find((word) => !word.includes('/') && !names.includes(word));
  if (unknown !== undefined) {
    return `There is no stage "${unknown}". There are: ${names.join(', ')}; or name a test file by its path.`;
  }
  const chosen = stages.filter((stage) => asked.includes(stage.name));
  if (paths.length === 0) return chosen;
  const about = 'the files asked for';
  const limits = { limitSeconds: 1080, testLimitSeconds: 180 };
  return [...chosen, { kind: 'tests', name: 'files', about, ...limits, paths }];
}
