// A list shows exactly what a pull of each name would be allowed, whatever the rights, scopes and settings.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { decide } from './decide.ts';
import { isAtOrBelow } from './pattern.ts';
import {
  arbitraryCircumstances,
  arbitraryFacts,
  arbitraryPath,
  arbitraryStanding,
} from './suite-arbitraries.ts';
import { type Visible, visibleTo } from './visible.ts';

/** As the rows are read: below one of the paths or of a visibility that is shown, and then looked at. */
function isShown(
  visible: Visible,
  row: { name: string; visibility: 'private' | 'internal' | 'public' },
): boolean {
  const { name, visibility } = row;
  const isRead =
    visible.isEverything ||
    visible.paths.some((path) => isAtOrBelow(name, path)) ||
    (visibility !== 'private' && visible.visibilities.includes(visibility));
  return isRead && (visibility === 'public' || visible.mayShow(name));
}

test('a list and a pull agree', () => {
  const name = arbitraryPath.filter((path) => path !== '');
  const seen = { shown: 0, hidden: 0 };
  fc.assert(
    fc.property(
      arbitraryStanding,
      arbitraryFacts,
      name,
      arbitraryCircumstances,
      (standing, facts, path, { from, now }) => {
        const circumstances = { address: () => from, now };
        const { isAllowed } = decide(standing, facts, { action: 'pull', path }, circumstances);
        const visible = visibleTo(standing, facts, circumstances);
        expect(isShown(visible, { name: path, visibility: facts.visibility })).toBe(isAllowed);
        seen[isAllowed ? 'shown' : 'hidden'] += 1;
      },
    ),
    { numRuns: 5_000 },
  );
  expect(seen.shown).toBeGreaterThan(500);
  expect(seen.hidden).toBeGreaterThan(500);
});
