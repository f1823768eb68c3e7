// The long reads of sizes, by name.
import type { Report } from '../../metadata/report.ts';
import { namespaceSizes } from './namespace-sizes.ts';
import { repositorySizes, repositoryUsage } from './repository-sizes.ts';
import { tagSizes } from './tag-sizes.ts';

export function sizeReports() {
  return { namespaceSizes, repositorySizes, repositoryUsage, tagSizes } satisfies Record<
    string,
    Report<never, unknown>
  >;
}
