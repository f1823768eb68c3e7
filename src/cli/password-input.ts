// New passwords for commands: from standard input, or made here. Never from an argument, which every user
// of the machine could read.
import { CommandFailure, type Given } from './command.ts';
import type { Terminal } from './terminal.ts';

export const PASSWORD_FLAG = {
  'password-stdin': { about: 'Read the new password from standard input; else one is made.' },
} as const;

export interface GivenPassword {
  readonly text: string;
  /** It was made here, and is to be shown. */
  readonly isMade: boolean;
}

/** `name`: whose it becomes, for the question. */
export async function passwordFrom(
  given: Given,
  { terminal, name }: { terminal: Terminal; name: string },
): Promise<GivenPassword> {
  if (!given.isOn('password-stdin')) {
    // Only here: it loads what makes users.
    const { newPassword } = await import('../app/first-administrator.ts');
    return { text: newPassword(), isMade: true };
  }
  if (terminal.canAsk) {
    const text = await terminal.ask(`New password of ${name}: `, { isSecret: true });
    return { text, isMade: false };
  }
  return { text: await secretInput(terminal, 'password'), isMade: false };
}

/** The one line of standard input, without its end. */
export async function secretInput(terminal: Terminal, what: string): Promise<string> {
  const text = (await terminal.readInput()).replace(/\r?\n$/, '');
  if (text === '') throw new CommandFailure(`Standard input holds no ${what}.`);
  if (/[\r\n]/.test(text)) {
    throw new CommandFailure(`Standard input holds several lines, and a ${what} is one.`);
  }
  return text;
}
