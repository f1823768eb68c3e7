// All of the management API, chapter by chapter.
import { accountEndpoints } from './account.ts';
import { auditEndpoints } from './audit.ts';
import { collectionEndpoints } from './collection.ts';
import { compareEndpoints } from './compare.ts';
import { copyEndpoints } from './copy.ts';
import { declarationEndpoints } from './declaration.ts';
import type { Endpoint } from './endpoint.ts';
import { explain } from './explain.ts';
import { grantEndpoints } from './grants.ts';
import { invitationEndpoints } from './invitations.ts';
import { leaseEndpoints } from './leases.ts';
import { nameEndpoints } from './names.ts';
import { organisationEndpoints } from './organisations.ts';
import { pathEndpoints } from './paths.ts';
import { planEndpoints } from './plans.ts';
import { policyEndpoints } from './policies.ts';
import { repositoryEndpoints } from './repositories.ts';
import { retentionEndpoints } from './retention.ts';
import { robotEndpoints } from './robots.ts';
import { roleEndpoints } from './roles.ts';
import { rollbackEndpoints } from './rollback.ts';
import { scrubEndpoints } from './scrub.ts';
import { secondFactorEndpoints } from './second-factors.ts';
import { sessionEndpoints } from './sessions.ts';
import { signInEndpoints } from './sign-in-ways.ts';
import { signingKeyEndpoints } from './signing-keys.ts';
import { sizeEndpoints } from './sizes.ts';
import { tagHistoryEndpoints } from './tag-history.ts';
import { tagEndpoints } from './tags.ts';
import { tagsAtEndpoints } from './tags-at.ts';
import { teamEndpoints } from './teams.ts';
import { tokenEndpoints } from './tokens.ts';
import { trashEndpoints } from './trash.ts';
import { trustPolicyEndpoints } from './trust-policies.ts';
import { userEndpoints } from './users.ts';
import { whoami } from './whoami.ts';

export const ENDPOINTS: readonly Endpoint[] = [
  whoami,
  ...signInEndpoints,
  ...sessionEndpoints,
  ...accountEndpoints,
  ...secondFactorEndpoints,
  ...tokenEndpoints,
  ...userEndpoints,
  ...invitationEndpoints,
  ...organisationEndpoints,
  ...teamEndpoints,
  ...robotEndpoints,
  ...roleEndpoints,
  ...grantEndpoints,
  explain,
  ...pathEndpoints,
  ...repositoryEndpoints,
  ...nameEndpoints,
  ...copyEndpoints,
  ...trashEndpoints,
  ...tagEndpoints,
  ...tagHistoryEndpoints,
  ...rollbackEndpoints,
  ...tagsAtEndpoints,
  ...planEndpoints,
  ...retentionEndpoints,
  ...compareEndpoints,
  ...sizeEndpoints,
  ...policyEndpoints,
  ...leaseEndpoints,
  ...trustPolicyEndpoints,
  ...declarationEndpoints,
  ...collectionEndpoints,
  ...scrubEndpoints,
  ...auditEndpoints,
  ...signingKeyEndpoints,
];
