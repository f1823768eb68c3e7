// Which folder may import which, as ARCHITECTURE.md draws it: a file imports from its own folder and from
// folders of lower rank; folders of the same rank do not import each other. Run by `npm test`.
// TypeScript is read with swc, because dependency-cruiser knows no TypeScript 7.

const RANKS = [
  ['oci'],
  ['blobs', 'metadata'],
  ['access', 'registry', 'scanner'],
  ['lifecycle', 'automation', 'mirror'],
  ['jobs'],
  ['http'],
  ['app'],
  ['cli'],
];
const FOLDERS = RANKS.flat();
/** Tests, the suites that they share (`x.suite.ts`), and what only those need (`suite-….ts`, `suite.….ts`). */
const TEST_FILE = '(\\.(test|suite)|/suite[.-][^/]+)\\.tsx?$';

const rankRules = RANKS.flatMap((folders, rank) =>
  folders.map((folder) => {
    const allowed = [folder, ...RANKS.slice(0, rank).flat()];
    const refused = FOLDERS.filter((other) => !allowed.includes(other));
    return {
      name: `rank-of-${folder}`,
      severity: 'error',
      comment:
        `src/${folder} may import only ${allowed.join(', ')}. Move the code down, or let the caller pass in ` +
        'what is needed (an interface declared here, joined in src/app/compose.ts).',
      from: { path: `^src/${folder}/` },
      to: { path: `^src/(${refused.join('|')})/` },
    };
  }),
).filter((rule) => !rule.to.path.includes('()'));

module.exports = {
  forbidden: [
    ...rankRules,
    {
      name: 'every-file-has-a-folder',
      severity: 'error',
      comment: `A file of src lies in one of the folders ${FOLDERS.join(', ')}: only they have a rank.`,
      from: { path: '^src/', pathNot: `^src/(${FOLDERS.join('|')})/` },
      to: {},
    },
    {
      name: 'no-cycles',
      severity: 'error',
      comment:
        'Files that import each other are one file, or hide a third: move what both need into its own.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      comment: 'Nothing imports this file and it imports nothing: remove it, or use it.',
      from: {
        orphan: true,
        pathNot: [TEST_FILE, '\\.d\\.ts$', '^bench/main\\.ts$', '^src/cli/main\\.ts$', '^test/'],
      },
      to: {},
    },
    {
      name: 'program-without-tests',
      severity: 'error',
      comment:
        'The program never imports tests, benchmarks or scripts. Move what it needs into src.',
      from: { path: '^src/', pathNot: TEST_FILE },
      to: { path: ['^(test|bench|scripts|bin)/', TEST_FILE] },
    },
    {
      name: 'tests-of-src-use-support-only',
      severity: 'error',
      comment:
        'A test beside the source may use test/support. What needs the whole program lies in test/.',
      from: { path: `^src/.*(${TEST_FILE})` },
      to: { path: '^(test|bench|scripts|bin)/', pathNot: '^test/support/' },
    },
    {
      name: 'oci-is-pure',
      severity: 'error',
      comment:
        'src/oci holds the nouns of the spec: no files, no network, no processes, nothing of the runtime.',
      from: { path: '^src/oci/', pathNot: TEST_FILE },
      to: {
        path: '^(node:)?(fs|net|http|https|http2|tls|dns|child_process|worker_threads|os)(/|$)|^bun(:|$)',
      },
    },
    {
      name: 'only-metadata-speaks-sql',
      severity: 'error',
      comment: 'src/metadata is the only folder with SQL: ask it by a query or command of its own.',
      from: { path: '^src/', pathNot: ['^src/metadata/', TEST_FILE] },
      to: { path: '^bun:sqlite$|^node_modules/(kysely|kysely-postgres-js|postgres)/' },
    },
    {
      name: 'packages-are-declared',
      severity: 'error',
      comment: 'The program uses packages of "dependencies" only: npm install --save-exact NAME.',
      from: { path: '^src/', pathNot: TEST_FILE },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
  ],
  options: {
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)node_modules/(@types/bun|bun-types)/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts', '.tsx', '.mjs', '.js', '.json'] },
  },
};
