// All of the management API, chapter by chapter.
import type { Endpoint } from './endpoint.ts';
import { grantEndpoints } from './grants.ts';
import { sessionEndpoints } from './sessions.ts';
import { userEndpoints } from './users.ts';
import { whoami } from './whoami.ts';

export const ENDPOINTS: readonly Endpoint[] = [
  whoami,
  ...sessionEndpoints,
  ...userEndpoints,
  ...grantEndpoints,
];
