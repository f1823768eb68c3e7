// What a quota says: at most so much of each resource at a path and below it. Asked inside transactions, so
// it knows no zod: documents were checked when they were set (`policy-form.ts`).
import type { PathPolicy } from '../../metadata/policies.ts';
import type { Usage } from '../../metadata/usage.ts';

export const RESOURCES = ['bytes', 'repositories', 'tags'] as const;
export type Resource = (typeof RESOURCES)[number];

export interface QuotaLimit {
  /** Beyond it there are warnings. */
  readonly soft?: number | undefined;
  /** Beyond it nothing comes in. */
  readonly hard?: number | undefined;
}

export type Quota = { readonly [R in Resource]?: QuotaLimit | undefined } & {
  /** Whom to ask for more, in words. */
  readonly contact?: string | undefined;
};

export interface SetQuota {
  /** Where it is set. */
  readonly path: string;
  readonly quota: Quota;
}

/** All that hold at a path, the root's first: each one does. */
export function quotasAmong(policies: readonly PathPolicy[]): SetQuota[] {
  return policies
    .filter(({ kind }) => kind === 'quota')
    .map(({ path, document }) => ({ path, quota: JSON.parse(document) as Quota }));
}

export interface Excess {
  readonly path: string;
  readonly resource: Resource;
  readonly kind: 'soft' | 'hard';
  readonly limit: number;
  readonly before: number;
  readonly after: number;
  readonly contact: string | undefined;
}

/** Limits of one quota that are exceeded in a resource that grew. */
export function excessesOf(
  { path, quota }: SetQuota,
  { before, after }: { before: Pick<Usage, Resource>; after: Pick<Usage, Resource> },
): Excess[] {
  return RESOURCES.flatMap((resource) => {
    if (after[resource] <= before[resource]) return [];
    const limits = quota[resource] ?? {};
    return (['hard', 'soft'] as const).flatMap((kind) => {
      const limit = limits[kind];
      if (limit === undefined || after[resource] <= limit) return [];
      const { contact } = quota;
      const [was, is] = [before[resource], after[resource]];
      return [{ path, resource, kind, limit, before: was, after: is, contact }];
    });
  });
}
