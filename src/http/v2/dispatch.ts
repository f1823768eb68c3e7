// `/v2/`: which handler answers, and whether the caller may ask it.
import type { Action } from '../../access/decide.ts';
import { RegistryError } from '../../oci/errors.ts';
import { LIMITS } from '../../oci/limits.ts';
import { parseRoute, type Route } from '../../oci/route.ts';
import type { Incoming } from '../incoming.ts';
import { jsonReply, notAllowed, type Reply } from '../reply.ts';
import { deleteBlob, getBlob } from './blobs.ts';
import { getCatalog, getTags } from './lists.ts';
import { deleteManifest, getManifest, putManifest } from './manifests.ts';
import type { V2Parts } from './parts.ts';
import { getReferrers } from './referrers.ts';
import { cancelUpload, getUpload, patchUpload, postUpload, putUpload } from './uploads.ts';

type Handler<K extends Route['kind']> = (
  request: Incoming,
  route: Extract<Route, { kind: K }>,
  parts: V2Parts,
) => Promise<Reply>;

interface Operation<K extends Route['kind']> {
  /** As it is called in metrics and logs. */
  readonly name: string;
  readonly action: Action | undefined;
  readonly handle: Handler<K>;
}

type Operations<K extends Route['kind']> = Readonly<Record<string, Operation<K>>>;

const getBase = async () => jsonReply(200, {});

/** Spec, "Endpoints". HEAD stands beside GET: the host leaves the body away. */
const OPERATIONS: { readonly [K in Route['kind']]: Operations<K> } = {
  base: reading({ name: 'ping', action: undefined, handle: getBase }),
  catalog: reading({ name: 'catalog', action: 'list', handle: getCatalog }),
  tags: reading({ name: 'list-tags', action: 'pull', handle: getTags }),
  referrers: reading({ name: 'list-referrers', action: 'pull', handle: getReferrers }),
  manifest: {
    ...reading({ name: 'pull-manifest', action: 'pull', handle: getManifest }),
    PUT: { name: 'push-manifest', action: 'push', handle: putManifest },
    DELETE: { name: 'delete-manifest', action: 'delete', handle: deleteManifest },
  },
  blob: {
    ...reading({ name: 'pull-blob', action: 'pull', handle: getBlob }),
    DELETE: { name: 'delete-blob', action: 'delete', handle: deleteBlob },
  },
  uploads: { POST: { name: 'start-upload', action: 'push', handle: postUpload } },
  upload: {
    // Cancelling needs no more than the right to push (distribution asks for delete).
    ...reading({ name: 'upload-status', action: 'push', handle: getUpload }),
    PATCH: { name: 'upload-chunk', action: 'push', handle: patchUpload },
    PUT: { name: 'finish-upload', action: 'push', handle: putUpload },
    DELETE: { name: 'cancel-upload', action: 'push', handle: cancelUpload },
  },
  unknown: {},
};

function reading<K extends Route['kind']>(operation: Operation<K>): Operations<K> {
  return { GET: operation, HEAD: operation };
}

/** Told which operation a request turned out to be, before it runs. */
export type NameOperation = (name: string) => void;

/** @throws RegistryError, ErrorWithHeaders; whatever the use case throws. */
export async function dispatchV2(
  request: Incoming,
  parts: V2Parts,
  nameOperation: NameOperation,
): Promise<Reply> {
  if (request.target.length > LIMITS.urlLength) {
    throw new RegistryError(
      'URL_TOO_LONG',
      `An address has at most ${LIMITS.urlLength} characters here; this one has ${request.target.length}.`,
    );
  }
  const route = parseRoute(request.path);
  if (route.kind === 'unknown') {
    const shown = request.path.slice(0, 300);
    throw new RegistryError('NAME_UNKNOWN', `Nothing is served at ${shown}.`);
  }
  // Of this kind of route; which one it is, the compiler cannot follow through the table.
  const operations = OPERATIONS[route.kind] as unknown as Operations<never>;
  const operation = operations[request.method];
  if (operation === undefined) throw notAllowed(request.method, Object.keys(operations));
  nameOperation(operation.name);
  if (operation.action !== undefined) {
    const repository = 'name' in route ? route.name : undefined;
    const verdict = parts.decide(request.principal, operation.action, repository);
    if (!verdict.isAllowed) throw new RegistryError('DENIED', verdict.reason);
  }
  return operation.handle(request, route as never, parts);
}
