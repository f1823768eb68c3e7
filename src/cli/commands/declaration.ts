// `entrepot declaration …`: grants, settings of paths and policies as a file that is kept in Git.
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { stringify } from 'yaml';
import { type JsonObject, objectOf } from '../api-client.ts';
import { type Command, CommandFailure } from '../command.ts';
import { readDocument } from '../document-file.ts';
import { pathOf } from '../path-text.ts';
import { serverCommand } from '../server-command.ts';
import { cell } from '../show.ts';

const HEAD = `# Who may do what at this path and below it, and what stays there. "entrepot declaration apply FILE --dry-run"
# shows what would change. A section that is left out stays as it is; one that is empty takes all of it away.
`;

const exported = serverCommand({
  name: 'declaration export',
  about: 'Writes the grants, settings and policies of a path and all below it as YAML.',
  arguments: [
    {
      name: 'PATH',
      about: 'A namespace or repository. Without it: the whole registry.',
      isOptional: true,
    },
  ],
  flags: { output: { value: 'FILE', about: 'Write there, and not to standard output.' } },
  examples: [
    'entrepot declaration export team > team.yaml',
    'entrepot declaration export --output registry.yaml',
  ],
  async run(given, { api, show, terminal }) {
    const path = pathOf(given.optional('PATH') ?? '');
    const declared = objectOf(await api.get('/declaration', { path }));
    const text = show.isJson ? `${JSON.stringify(declared, null, 2)}\n` : yamlOf(declared);
    const output = given.flag('output');
    if (output === undefined) terminal.print(text);
    else writeFile(resolve(terminal.directory, output), text);
  },
});

function yamlOf(declared: JsonObject): string {
  return HEAD + stringify(declared, { lineWidth: 0 });
}

function writeFile(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new CommandFailure(`${path} cannot be written: ${(error as Error).message}.`);
  }
}

const applied = serverCommand({
  name: 'declaration apply',
  about:
    'Makes the registry be as a file says, at its path and below: adds what is missing, takes away what it does not name.',
  arguments: [{ name: 'FILE', about: 'YAML or JSON; - is standard input.' }],
  flags: { 'dry-run': { about: 'Only show what would change.' } },
  examples: [
    'entrepot declaration apply team.yaml --dry-run',
    'entrepot declaration apply team.yaml',
    'cat team.yaml | entrepot declaration apply -',
  ],
  async run(given, { api, show, terminal }) {
    const isDryRun = given.isOn('dry-run');
    const body = await readDocument(given.argument('FILE'), terminal);
    const query = { dryRun: isDryRun };
    const done = objectOf(await api.put('/declaration', body, query));
    if (show.isJson) {
      show.json(done);
      return;
    }
    const changes = Array.isArray(done.changes) ? done.changes.map(objectOf) : [];
    terminal.print(changes.map(({ sign, line }) => `${cell(sign)} ${cell(line)}\n`).join(''));
    terminal.printError(`${summary(changes.length, isDryRun)}\n`);
  },
});

function summary(count: number, isDryRun: boolean): string {
  if (count === 0) return 'Nothing is to be changed.';
  const what = count === 1 ? '1 change' : `${count} changes`;
  return isDryRun ? `${what} to be made; nothing was changed.` : `${what} made.`;
}

export const DECLARATION_COMMANDS: readonly Command[] = [exported, applied];
