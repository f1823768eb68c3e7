// Every address of the management API with every kind of caller, on both engines.
import { beforeAll, expect, test } from 'bun:test';
import { ENDPOINTS } from '../../src/http/api/endpoints.ts';
import { type ApiAnswer, CALLERS, World } from './api-world.ts';
import { onBothEngines } from './engines.ts';
import { RIGHTS_OF_NAMES } from './rights-of-names.ts';
import { RIGHTS_OF_PATHS } from './rights-of-paths.ts';
import { RIGHTS_OF_PEOPLE } from './rights-of-people.ts';
import { RIGHTS_OF_PLANS } from './rights-of-plans.ts';
import { RIGHTS_OF_POLICIES } from './rights-of-policies.ts';
import { RIGHTS_OF_REPOSITORIES } from './rights-of-repositories.ts';
import type { RightsRow } from './rights-row.ts';

const RIGHTS_TABLE = [
  ...RIGHTS_OF_PEOPLE,
  ...RIGHTS_OF_NAMES,
  ...RIGHTS_OF_PATHS,
  ...RIGHTS_OF_PLANS,
  ...RIGHTS_OF_REPOSITORIES,
  ...RIGHTS_OF_POLICIES,
];

test('the table has every address', () => {
  const shown = new Set(RIGHTS_TABLE.map(({ endpoint }) => endpoint));
  const served = ENDPOINTS.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
  expect([...shown].sort()).toEqual(served.sort());
});

async function answers(world: World, { endpoint, ask }: RightsRow): Promise<string> {
  const [method = '', pattern = ''] = endpoint.split(' ');
  const codes: string[] = [];
  for (const caller of CALLERS) {
    const { path = pattern, body } = await ask(world);
    const answer = await world.as(caller, { method, path, body });
    codes.push(codeOf(answer));
  }
  return codes.join(' ');
}

function codeOf({ status, text }: ApiAnswer): string {
  const isWrongCode = status === 403 && text.includes('The code is wrong');
  return isWrongCode ? '403w' : String(status);
}

onBothEngines(
  'rights to manage',
  ({ test: run, registry }) => {
    let world: Promise<World> | undefined;
    beforeAll(() => {
      world = undefined;
    });
    for (const one of RIGHTS_TABLE) {
      run(`${one.endpoint}: ${one.codes}`, async () => {
        world ??= World.make(registry().url);
        expect(await answers(await world, one)).toBe(one.codes);
      });
    }
  },
  { isPrivate: true },
);
