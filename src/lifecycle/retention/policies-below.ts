// Which policies hold at each repository below a path: read once, however many repositories there are.
import { type PathPolicy, policiesHolding, policiesWithin } from '../../metadata/policies.ts';
import type { Sql } from '../../metadata/sql.ts';
import type { RetentionPolicy } from './policy.ts';
import type { RetentionParameters } from './retention-parameters.ts';

export interface PoliciesAt {
  readonly policy: RetentionPolicy;
  /** All that hold there, the root's first. */
  readonly policies: readonly PathPolicy[];
}

export class PoliciesBelow {
  /** Shortest paths first. */
  readonly #policies: readonly PathPolicy[];
  readonly #governedBy: string | undefined;
  readonly #parsed = new Map<PathPolicy, RetentionPolicy>();

  private constructor(policies: readonly PathPolicy[], governedBy: string | undefined) {
    this.#policies = policies.toSorted((a, b) => a.path.length - b.path.length);
    this.#governedBy = governedBy;
  }

  static async read(
    sql: Sql,
    { path, parameters }: { path: string; parameters: RetentionParameters },
  ): Promise<PoliciesBelow> {
    const all = [...(await policiesHolding(sql, path))];
    for (const kind of ['retention', 'immutability'] as const) {
      const below = await policiesWithin(sql, { path, kind });
      all.push(...below.filter((policy) => policy.path !== path));
    }
    const { policy, governedBy } = parameters;
    if (policy === undefined) return new PoliciesBelow(all, governedBy);
    const set = all.filter((one) => one.kind !== 'retention' || one.path !== path);
    const document = JSON.stringify(policy);
    const tried = { path, kind: 'retention' as const, document, updatedAt: 0, updatedBy: '' };
    return new PoliciesBelow([...set, tried], governedBy);
  }

  /** @returns undefined where no retention policy holds, or not the one that is asked for. */
  at(name: string): PoliciesAt | undefined {
    const policies = this.#policies.filter(
      ({ path }) => path === '' || path === name || name.startsWith(`${path}/`),
    );
    const nearest = policies.findLast(({ kind }) => kind === 'retention');
    if (nearest === undefined) return undefined;
    if (this.#governedBy !== undefined && nearest.path !== this.#governedBy) return undefined;
    let policy = this.#parsed.get(nearest);
    if (policy === undefined) {
      policy = JSON.parse(nearest.document) as RetentionPolicy;
      this.#parsed.set(nearest, policy);
    }
    return { policy, policies };
  }
}
