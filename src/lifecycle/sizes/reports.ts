// The long reads of sizes, by name.
import type { Report } from '../../metadata/report.ts';
import { namespaceSizes } from './namespace-sizes.ts';
import { repositorySizes, repositoryUsage } from './repository-sizes.ts';
import { tagSizes } from './tag-sizes.ts';
import { countedUsage, usageToForget, usageToRecord } from './usage-to-record.ts';

export function sizeReports() {
  return {
    countedUsage,
    namespaceSizes,
    repositorySizes,
    repositoryUsage,
    tagSizes,
    usageToForget,
    usageToRecord,
  } satisfies Record<string, Report<never, unknown>>;
}
