// Every command as a chapter of docs/commands.md: the same words as `entrepot help`.
import { ALL_COMMANDS } from './all-commands.ts';
import type { Command } from './command.ts';
import { partsOf, usageOf } from './help-text.ts';

export function commandReference(): string {
  return groups()
    .map(([name, commands]) => `\n### ${name}\n${commands.map(chapter).join('')}`)
    .join('');
}

/** By the first word, in the order of the help. */
function groups(): [string, Command[]][] {
  const found = new Map<string, Command[]>();
  for (const command of ALL_COMMANDS) {
    const [group = ''] = command.name.split(' ');
    found.set(group, [...(found.get(group) ?? []), command]);
  }
  return [...found];
}

function chapter(command: Command): string {
  const { about, examples, takesSettings } = command;
  const parts = partsOf(command).map(([left, right]) => `| \`${cell(left)}\` | ${cell(right)} |\n`);
  const table = parts.length === 0 ? '' : `\n| | |\n|---|---|\n${parts.join('')}`;
  const settings =
    takesSettings === true ? '\nTakes the flags of all [settings](configure.md).\n' : '';
  return (
    `\n**\`${usageOf(command)}\`**: ${about}\n${table}${settings}` +
    `\n\`\`\`\n${examples.map((example) => `${example}\n`).join('')}\`\`\`\n`
  );
}

/** A bar would end the cell of a table. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
