// `entrepot account …`: one's own account. What changes how you sign in asks for the password.
import { ANSWERS_FLAG, Answers } from '../answers.ts';
import { objectOf } from '../api-client.ts';
import { type Command, CommandFailure, type Given, UsageError } from '../command.ts';
import { asPerson } from '../person-session.ts';
import { PROFILE_FLAGS, profileOf } from '../profile-flags.ts';
import { type Session, serverCommand } from '../server-command.ts';
import { cell, column, when } from '../show.ts';

/** With the flag that asks nobody. */
export const PASSWORD_ANSWERS = {
  [ANSWERS_FLAG]: {
    about:
      'Read from standard input what would be asked, a line each: the password, a code when there is a second factor, and what follows.',
  },
} as const;

const show = serverCommand({
  name: 'account show',
  about: 'Shows your account, with your second factors, organisations and teams.',
  examples: ['entrepot account show'],
  async run(_given, session) {
    const names = (list: unknown) =>
      Array.isArray(list) ? list.map(({ name }) => cell(name)) : [];
    session.show.item(objectOf(await session.api.get('/account')), [
      column('Name', 'name'),
      column('Display name', 'displayName'),
      column('E-mail', 'email'),
      column('Password', 'hasPassword'),
      column('Second factors', 'secondFactors'),
      { title: 'Organisations', of: ({ organisations }) => names(organisations) },
      { title: 'Teams', of: ({ teams }) => names(teams) },
      { title: 'Made', of: ({ createdAt }) => when(createdAt) },
      { title: 'Last seen', of: ({ lastSeenAt }) => when(lastSeenAt) },
    ]);
  },
});

const update = serverCommand({
  name: 'account update',
  about: 'Changes what you are called and your e-mail address. Asks for your password.',
  flags: { ...PROFILE_FLAGS, ...PASSWORD_ANSWERS },
  examples: ["entrepot account update --display-name 'Alice Liddell'"],
  async run(given, session) {
    const body = profileOf(given);
    if (Object.keys(body).length === 0) throw new UsageError('Say what to change.');
    const answers = await Answers.of(given, session.terminal);
    const account = await asPerson(session, answers, (person) =>
      person.send('PATCH', '/account', body),
    );
    session.show.done('Your account is changed.', account);
  },
});

const password = serverCommand({
  name: 'account password',
  about:
    'Changes your password, asking for the old one first. What was signed in with it ends; access tokens stay.',
  flags: PASSWORD_ANSWERS,
  examples: [
    'entrepot account password',
    'entrepot account password --password-stdin < old-and-new.txt',
  ],
  async run(given, session) {
    const answers = await Answers.of(given, session.terminal);
    await asPerson(session, answers, async (person, oldPassword) => {
      const newPassword = await newPasswordOf(answers);
      await person.send('POST', '/account/password', { oldPassword, newPassword });
    });
    session.show.done('You have a new password.');
  },
});

/** Whoever types it sees nothing, and so types it twice. */
async function newPasswordOf(answers: Answers): Promise<string> {
  const first = await answers.to({ what: 'new password', isSecret: true });
  if (!answers.isTyped) return first;
  const question = 'The new password again';
  if ((await answers.to({ what: 'new password', question, isSecret: true })) === first)
    return first;
  throw new CommandFailure('These were two different passwords. Nothing was changed.');
}

const identities = serverCommand({
  name: 'account identity list',
  about: 'Lists the accounts elsewhere that you sign in with.',
  examples: ['entrepot account identity list'],
  async run(_given, session) {
    session.show.list(await session.api.items('/account/identities'), {
      columns: [
        column('Provider', 'provider'),
        column('Account', 'subject'),
        { title: 'Since', of: ({ createdAt }) => when(createdAt) },
      ],
      none: 'You sign in with no account elsewhere.',
    });
  },
});

const unlink = serverCommand({
  name: 'account identity unlink',
  about: 'Unlinks an account elsewhere and ends your sessions. Asks for your password.',
  arguments: [
    { name: 'PROVIDER', about: 'As account identity list shows it, such as oidc:company.' },
    { name: 'ACCOUNT', about: 'The account there, as the list shows it.' },
  ],
  flags: PASSWORD_ANSWERS,
  examples: ['entrepot account identity unlink oidc:company 248289761001'],
  async run(given: Given, session: Session) {
    const body = { provider: given.argument('PROVIDER'), subject: given.argument('ACCOUNT') };
    const answers = await Answers.of(given, session.terminal);
    await asPerson(session, answers, (person) =>
      person.send('POST', '/account/identities/unlink', body),
    );
    session.show.done(`The account at ${body.provider} is unlinked.`);
  },
});

export const ACCOUNT_COMMANDS: readonly Command[] = [show, update, password, identities, unlink];
