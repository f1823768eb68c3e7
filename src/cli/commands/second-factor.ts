// `entrepot account second-factor …` and `recovery-codes`: an authenticator app, without a browser.
import { Answers } from '../answers.ts';
import { type Json, type JsonObject, objectOf, Refusal, textOf } from '../api-client.ts';
import type { Command, Given } from '../command.ts';
import { asPerson, type PersonSession, PROOF_QUESTION } from '../person-session.ts';
import { type Session, serverCommand } from '../server-command.ts';
import type { Show } from '../show.ts';
import type { Terminal } from '../terminal.ts';
import { PASSWORD_ANSWERS } from './account.ts';

/** A code is mistyped now and then, and to begin again makes a new secret. */
const ATTEMPTS = 3;

const on = serverCommand({
  name: 'account second-factor on',
  about:
    'Turns an authenticator app on: shows its secret, asks for a first code, and prints recovery codes, this once. Sessions and refresh tokens of before end; access tokens stay.',
  examples: ['entrepot account second-factor on', 'entrepot account second-factor on > codes.txt'],
  async run(_given, session) {
    const { show, terminal } = session;
    const answers = Answers.ofPerson(terminal);
    const changed = await asPerson(session, answers, async (person) => {
      showSecret(terminal, objectOf(await person.send('POST', '/account/totp')));
      return firstCode(person, { answers, terminal });
    });
    terminal.printError('Your authenticator app is on. Docker signs in with access tokens now.\n');
    showCodes(show, changed);
  },
});

/** On standard error: standard output is for the recovery codes. */
function showSecret(terminal: Terminal, { secret, uri }: JsonObject): void {
  const groups = textOf(secret).match(/.{1,4}/g) ?? [];
  terminal.printError(
    `Add this to your authenticator app, shown this once:\n  ${textOf(uri)}\nor type its key: ${groups.join(' ')}\n`,
  );
}

async function firstCode(
  person: PersonSession,
  { answers, terminal }: { answers: Answers; terminal: Terminal },
): Promise<Json> {
  const question = { what: 'code', question: 'The code that the app shows now' };
  for (let attempt = 1; ; attempt += 1) {
    const code = await answers.to(question);
    try {
      return await person.send('POST', '/account/totp/confirm', { code });
    } catch (error) {
      const isWrong = error instanceof Refusal && error.code === 'DENIED';
      if (!isWrong || attempt === ATTEMPTS) throw error;
      terminal.printError(`${error.message} Try again.\n`);
    }
  }
}

/** There are none when there was another factor before: those of then count. */
function showCodes(show: Show, changed: Json): void {
  const { recoveryCodes } = objectOf(changed);
  if (!Array.isArray(recoveryCodes)) return;
  const sentence =
    'Recovery codes, shown this once. Keep them: each signs you in one time without the app.';
  show.secret(recoveryCodes.map(textOf).join('\n'), { sentence, value: { recoveryCodes } });
}

const off = serverCommand({
  name: 'account second-factor off',
  about:
    'Turns the authenticator app off. Asks for your password and two codes, one to sign in and one for this.',
  flags: PASSWORD_ANSWERS,
  examples: ['entrepot account second-factor off'],
  async run(given, session) {
    await proven(given, session, '/account/totp/remove');
    session.show.done('Your authenticator app is off.');
  },
});

const recoveryCodes = serverCommand({
  name: 'account recovery-codes',
  about:
    'Prints new recovery codes, this once; those before count no more. Asks for your password and two codes.',
  flags: PASSWORD_ANSWERS,
  examples: ['entrepot account recovery-codes > codes.txt'],
  async run(given, session) {
    showCodes(session.show, await proven(given, session, '/account/recovery-codes'));
  },
});

async function proven(given: Given, session: Session, path: string): Promise<Json> {
  const answers = await Answers.of(given, session.terminal);
  return asPerson(session, answers, async (person) => {
    const code = await answers.to(PROOF_QUESTION);
    return person.send('POST', path, { proof: { code } });
  });
}

export const SECOND_FACTOR_COMMANDS: readonly Command[] = [on, off, recoveryCodes];
