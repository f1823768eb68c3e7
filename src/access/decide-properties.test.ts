// What holds of decide() whatever it is asked: found by seeds, which a failure prints.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { decide, type PathFacts, type Question, type Standing } from './decide.ts';
import {
  arbitraryCircumstances,
  arbitraryFacts,
  arbitraryQuestion,
  arbitraryRight,
  arbitraryScope,
  arbitraryStanding,
} from './suite-arbitraries.ts';

interface World {
  readonly standing: Standing;
  readonly facts: PathFacts;
  readonly question: Question;
  readonly at: { readonly from: string; readonly now: number };
}

const world: fc.Arbitrary<World> = fc.record({
  standing: arbitraryStanding,
  facts: arbitraryFacts,
  question: arbitraryQuestion,
  at: arbitraryCircumstances,
});

const RUNS = { numRuns: 3_000 };

function may({ standing, facts, question, at }: World): boolean {
  const circumstances = { address: () => at.from, now: at.now };
  return decide(standing, facts, question, circumstances).isAllowed;
}

/** Of what is generated enough must be allowed and enough refused, or the properties say nothing. */
test('the worlds that are generated meet both answers', () => {
  const worlds = fc.sample(world, { numRuns: 2_000, seed: 1 });
  const allowed = worlds.filter(may).length;
  expect(allowed).toBeGreaterThan(200);
  expect(allowed).toBeLessThan(1_800);
});

test('one more grant takes nothing away', () => {
  const where = fc.constantFrom('rights', 'forAnyone', 'forSignedIn');
  fc.assert(
    fc.property(world, arbitraryRight, where, fc.nat(3), (before, right, list, at) => {
      const { standing, facts } = before;
      const after =
        list === 'rights'
          ? {
              ...before,
              standing: { ...standing, rights: standing.rights.toSpliced(at, 0, right) },
            }
          : { ...before, facts: { ...facts, [list]: facts[list].toSpliced(at, 0, right) } };
      expect(may(after) || !may(before)).toBe(true);
    }),
    RUNS,
  );
});

test('narrower scopes add nothing', () => {
  fc.assert(
    fc.property(world, fc.array(arbitraryScope, { maxLength: 2 }), (before, scopes) => {
      const { standing } = before;
      const { scopes: _, ...unlimited } = standing;
      expect(may({ ...before, standing: unlimited }) || !may(before)).toBe(true);
      // What is left of the scopes when some of them, or some of their actions and names, go.
      const wider = [...(standing.scopes ?? []), ...scopes];
      for (const narrower of [
        wider.slice(1),
        wider.map((one) => ({ ...one, names: one.names.slice(1) })),
        wider.map((one) => ({ ...one, actions: one.actions.slice(1) })),
      ]) {
        const wide = may({ ...before, standing: { ...standing, scopes: wider } });
        expect(wide || !may({ ...before, standing: { ...standing, scopes: narrower } })).toBe(true);
      }
    }),
    RUNS,
  );
});

test('no credential may less than nobody', () => {
  const nobody: Standing = { principal: { kind: 'anonymous', name: 'anonymous' }, rights: [] };
  fc.assert(
    fc.property(world, (asked) => {
      expect(may(asked) || !may({ ...asked, standing: nobody })).toBe(true);
    }),
    RUNS,
  );
});

test('a more private path shows no more', () => {
  fc.assert(
    fc.property(world, (asked) => {
      const seen = (['private', 'internal', 'public'] as const).map((visibility) =>
        may({ ...asked, facts: { ...asked.facts, visibility } }),
      );
      expect(seen).toEqual(seen.toSorted());
    }),
    RUNS,
  );
});

test('a condition on the credential adds nothing', () => {
  fc.assert(
    fc.property(world, (asked) => {
      const { condition: _, ...standing } = asked.standing;
      expect(may({ ...asked, standing }) || !may(asked)).toBe(true);
    }),
    RUNS,
  );
});

test('the same question has the same answer, and nothing that is asked with is changed', () => {
  fc.assert(
    fc.property(world, ({ standing, facts, question, at }) => {
      const circumstances = frozen({ address: () => at.from, now: at.now });
      const asked = [frozen(standing), frozen(facts), frozen(question), circumstances] as const;
      const first = decide(...asked);
      expect(decide(...asked)).toEqual(first);
      // Not by identity either: what is remembered of an object must be what it says.
      const copy = structuredClone({ standing, facts, question });
      expect(decide(copy.standing, copy.facts, copy.question, circumstances)).toEqual(first);
    }),
    RUNS,
  );
});

function frozen<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object' && inner !== null) frozen(inner);
  }
  return Object.freeze(value);
}
