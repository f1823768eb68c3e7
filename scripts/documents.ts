// The parts of the documentation that are made from the code: the JSON schema of the file of settings, the
// table of settings, the OpenAPI document and the table of stages of the tests. A test compares;
// write-documents.ts writes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { factsOf, fileSchema, SETTING_NAMES, variableOf } from '../src/app/settings.ts';
import { programVersion } from '../src/app/version.ts';
import { commandReference } from '../src/cli/command-reference.ts';
import { apiDocument } from '../src/http/api/document.ts';
import { STAGES } from './test-stages.ts';

function settingsTable(): string {
  const rows = SETTING_NAMES.map((name) => {
    const { about, standard, example, noFlag } = factsOf(name);
    const flag = noFlag === undefined ? `\`--${name}\`` : 'none';
    const shown = standard === undefined ? '' : `\`${standard}\``;
    return `| \`${name}\` | ${flag} | \`${variableOf(name)}\` | ${shown} | ${about} Such as \`${example}\`. |\n`;
  });
  return `| key of the file | flag | variable | default | what for |\n|---|---|---|---|---|\n${rows.join('')}`;
}

function stagesTable(): string {
  const rows = STAGES.map((stage) => {
    const paths = stage.kind === 'tests' ? stage.paths.map((path) => `\`${path}\``).join(', ') : '';
    return `| \`${stage.name}\` | ${stage.about} | ${paths} | ${stage.limitSeconds} s |\n`;
  });
  const total = STAGES.reduce((sum, stage) => sum + stage.limitSeconds, 0);
  return (
    `| stage | what | where | limit |\n|---|---|---|---|\n${rows.join('')}` +
    `\nAll limits together: ${Math.ceil(total / 60)} minutes.\n`
  );
}

const TABLES: Readonly<Record<string, { readonly mark: string; table(): string }>> = {
  'docs/configure.md': { mark: 'settings', table: settingsTable },
  'docs/ci.md': { mark: 'stages', table: stagesTable },
  'docs/commands.md': { mark: 'commands', table: commandReference },
};

/** Path to what the file should hold, given what it holds now. */
export function expectedDocuments(root: string): Map<string, string> {
  const api = `${JSON.stringify(apiDocument(programVersion()), undefined, 2)}\n`;
  const documents = new Map([
    ['docs/entrepot.schema.json', fileSchema()],
    ['docs/openapi.json', api],
  ]);
  for (const [path, { mark, table }] of Object.entries(TABLES)) {
    const text = readFileSync(join(root, path), 'utf8');
    const [start, end] = [
      `<!-- ${mark}: made by scripts/write-documents.ts -->`,
      `<!-- end of ${mark} -->`,
    ];
    const [from, to] = [text.indexOf(start), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`${path} lacks the lines "${start}" and "${end}"`);
    documents.set(path, `${text.slice(0, from + start.length)}\n${table()}${text.slice(to)}`);
  }
  return documents;
}
