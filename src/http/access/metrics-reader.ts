// Who may read `/metrics`: an administrator, or whoever has the token that is in the settings for it.
import { createHash, timingSafeEqual } from 'node:crypto';
import { RegistryError } from '../../oci/errors.ts';
import type { ApiParts } from '../api/api-parts.ts';
import { identifyCaller, signInFirst } from '../api/identify-caller.ts';
import type { Incoming } from '../incoming.ts';

/** `token` undefined: there is none. @throws ErrorWithHeaders UNAUTHORIZED; RegistryError DENIED */
export async function admitToMetrics(
  request: Incoming,
  { token, parts }: { token: string | undefined; parts: ApiParts },
): Promise<void> {
  const header = request.headers.get('authorization');
  // Hashes are of one length, which the comparison needs, and say nothing of that of the token.
  if (token !== undefined && timingSafeEqual(hash(`Bearer ${token}`), hash(header ?? ''))) return;
  const caller = await identifyCaller(request, parts);
  if (caller.standing.principal.kind === 'anonymous') {
    throw signInFirst(new RegistryError('UNAUTHORIZED', 'Only administrators read the metrics.'));
  }
  const question = { action: 'administer', path: '' } as const;
  const verdict = await parts.gate.explain(request, caller, question);
  if (!verdict.isAllowed) {
    throw new RegistryError('DENIED', `Only administrators read the metrics: ${verdict.reason}.`);
  }
}

function hash(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}
