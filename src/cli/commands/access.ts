// `entrepot access explain`: may somebody do something, and by which rule.
import { ACTIONS, isAction } from '../../access/action.ts';
import { objectOf } from '../api-client.ts';
import { type Command, UsageError } from '../command.ts';
import { pathOf } from '../path-text.ts';
import { serverCommand } from '../server-command.ts';
import { cell } from '../show.ts';
import { parseSubject, showSubject } from '../subject-text.ts';

/** Nobody can be called that. */
const MYSELF = 'me';

const explain = serverCommand({
  name: 'access explain',
  about: 'Says whether somebody may do something, and by which rule. Asks, and does nothing.',
  arguments: [
    {
      name: 'WHO',
      about: `A user's name, ${MYSELF}, or robot:team:ci, team:acme/core, organisation:acme, signed-in, anyone.`,
    },
    { name: 'ACTION', about: `One of ${ACTIONS.join(', ')}.` },
    { name: 'WHERE', about: 'A repository, with :TAG when it is about one; / is the registry.' },
  ],
  flags: { from: { value: 'ADDRESS', about: 'As if asked from there.' } },
  examples: [
    'entrepot access explain alice push team/backend',
    'entrepot access explain me push team/backend:prod-1',
    'entrepot access explain anyone pull acme/open --json',
    'entrepot access explain robot:team:ci pull team/app --from 10.1.2.3',
  ],
  async run(given, { api, show, terminal }) {
    const action = given.argument('ACTION');
    if (!isAction(action)) {
      throw new UsageError(`"${action}" is no action: take one of ${ACTIONS.join(', ')}.`);
    }
    const answer = objectOf(
      await api.get('/explain', {
        subject: subjectOf(given.argument('WHO')),
        action,
        ...placeOf(given.argument('WHERE')),
        address: given.flag('from'),
      }),
    );
    if (show.isJson) {
      show.json(answer);
      return;
    }
    terminal.print(`${answer.allowed === true ? 'yes' : 'no'}: ${cell(answer.reason)}\n`);
  },
});

function subjectOf(who: string): string | undefined {
  if (who === MYSELF) return undefined;
  const isBare = !who.includes(':') && who !== 'anyone' && who !== 'signed-in';
  return isBare ? `user:${who}` : showSubject(parseSubject(who));
}

/** `team/app:v1`: names of repositories have no colon. */
function placeOf(where: string): { repository: string; tag?: string } {
  const colon = where.indexOf(':');
  if (colon < 0) return { repository: pathOf(where) };
  return { repository: where.slice(0, colon), tag: where.slice(colon + 1) };
}

export const ACCESS_COMMANDS: readonly Command[] = [explain];
