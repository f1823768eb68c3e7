// `entrepot compare`: two versions beside each other.
import { objectOf } from '../api-client.ts';
import type { Command } from '../command.ts';
import { comparisonText } from '../comparison-text.ts';
import { atRepository, imageOf } from '../image-text.ts';
import { serverCommand } from '../server-command.ts';

const compare = serverCommand({
  name: 'compare',
  about: 'Shows what changed from one version to another, and what must be downloaded for it.',
  arguments: [
    { name: 'FROM', about: 'A version as REPO:TAG or REPO@DIGEST.' },
    { name: 'TO', about: 'Another one, of the same repository or not.' },
  ],
  flags: { full: { about: 'Shared layers too, and long values whole.' } },
  examples: [
    'entrepot compare team/api:v1 team/api:v2',
    'entrepot compare team/api:prod staging/api:v3 --json',
  ],
  async run(given, { api, show, terminal }) {
    const [from, to] = [imageOf(given.argument('FROM')), imageOf(given.argument('TO'))];
    const query = {
      from: from.reference,
      to: to.reference,
      ...(to.repository !== from.repository && { with: to.repository }),
    };
    const found = objectOf(await api.get(`${atRepository(from.repository)}/compare`, query));
    if (show.isJson) show.json(found);
    else terminal.print(comparisonText(found, { isFull: given.isOn('full') }));
  },
});

export const COMPARE_COMMANDS: readonly Command[] = [compare];
