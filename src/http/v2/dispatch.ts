// `/v2/`: which handler answers, and whether the caller may ask it.
import type { Action } from '../../access/action.ts';
import type { Question } from '../../access/decide.ts';
import { isRepositoryListed } from '../../metadata/repositories.ts';
import { RegistryError } from '../../oci/errors.ts';
import { LIMITS } from '../../oci/limits.ts';
import { parseRepositoryName } from '../../oci/repository-name.ts';
import { parseRoute, type Route } from '../../oci/route.ts';
import { parseTag } from '../../oci/tag.ts';
import { scopeFor } from '../access/authorise.ts';
import type { Caller } from '../access/caller.ts';
import type { Incoming } from '../incoming.ts';
import { type ErrorWithHeaders, jsonReply, notAllowed, type Reply } from '../reply.ts';
import { deleteBlob, getBlob } from './blobs.ts';
import { getCatalog, getTags } from './lists.ts';
import { deleteManifest, getManifest, putManifest } from './manifests.ts';
import { askByOldName, withOldNameWarning } from './old-name.ts';
import type { V2Parts } from './parts.ts';
import { getReferrers, noReferrers } from './referrers.ts';
import { V2Request } from './request.ts';
import { cancelUpload, getUpload, patchUpload, postUpload, putUpload } from './uploads.ts';

type Handler<K extends Route['kind']> = (
  request: V2Request,
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
  catalog: reading({ name: 'catalog', action: 'pull', handle: getCatalog }),
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
  let route = parseRoute(request.path);
  if (route.kind === 'unknown') {
    const shown = request.path.slice(0, 300);
    throw new RegistryError('NAME_UNKNOWN', `Nothing is served at ${shown}.`);
  }
  // Of this kind of route; which one it is, the compiler cannot follow through the table.
  const operations = OPERATIONS[route.kind] as unknown as Operations<never>;
  const operation = operations[request.method];
  if (operation === undefined) throw notAllowed(request.method, Object.keys(operations));
  nameOperation(operation.name);
  let questions = questionsOf(request, route, operation.action);
  // A turn of the event loop for each step would cost a tenth of a pull: the usual case waits for nothing.
  const caller =
    parts.gate.known(request) ??
    (await parts.gate.identify(request, () => questions[0] && scopeFor(questions[0])));
  if (route.kind === 'base' && caller.shown === 'nothing') throw signInFirst(request, parts);
  const { oldNames } = parts.gate;
  if (!oldNames.areOldNamesKnown) await oldNames.readOldNames();
  const old = 'name' in route ? oldNames.oldName(route.name) : undefined;
  const meant = old && (await askByOldName(request, { caller, questions, name: old.name, parts }));
  if (old !== undefined && meant !== undefined && 'name' in route) {
    const renamed = { from: route.name, to: old.name, until: old.until };
    route = { ...route, name: parseRepositoryName(old.name) };
    questions = meant;
    const handled = handle(request, { caller, parts, route, questions, operation });
    return withOldNameWarning(handled, renamed);
  }
  return handle(request, { caller, parts, route, questions, operation });
}

interface Asked {
  readonly caller: Caller;
  readonly parts: V2Parts;
  readonly route: Route;
  readonly questions: readonly Question[];
  readonly operation: Operation<never>;
}

async function handle(request: Incoming, asked: Asked): Promise<Reply> {
  const { caller, parts, route, questions, operation } = asked;
  if (route.kind === 'referrers' && (await isPusherOnly(request, { caller, route, parts }))) {
    return noReferrers(request);
  }
  if (route.kind !== 'catalog' || isUnknown(caller)) {
    for (const question of questions) {
      const facts =
        parts.gate.admitted(request, caller, question) ??
        (await parts.gate.check(request, caller, question));
      if (facts.creation === 'explicit') await refuseToMake(question, parts);
    }
  }
  return operation.handle(
    new V2Request(request, { caller, gate: parts.gate }),
    route as never,
    parts,
  );
}

/**
 * Docker learns from this one address how to sign in, and sends no credentials anywhere when it is
 * answered without a challenge (client behaviour 1).
 */
function signInFirst(request: Incoming, parts: V2Parts): ErrorWithHeaders {
  const because = new RegistryError('UNAUTHORIZED', 'Sign in, or ask for an anonymous token.');
  return parts.gate.challenge(request, { because });
}

/** Whoever is known gets the list of what they may see, be it empty; a bearer token must be for it. */
function isUnknown({ shown, bearer }: Caller): boolean {
  return shown === 'nothing' || (bearer !== undefined && !bearer.isForCatalog);
}

/**
 * Who may push to a repository and not pull from it is told that nothing refers to anything there, be it
 * there or not. Asked of their rights, not of their token: a pull that only the token lacks is challenged.
 */
async function isPusherOnly(
  request: Incoming,
  asked: { caller: Caller; route: { name: string }; parts: V2Parts },
): Promise<boolean> {
  const { caller, parts } = asked;
  const path = asked.route.name;
  const may = async (action: Action) =>
    (await parts.gate.explain(request, caller, { action, path })).isAllowed;
  return !(await may('pull')) && (await may('push'));
}

/** What must be allowed for this request: for each tag that it names, when it names some. */
function questionsOf(request: Incoming, route: Route, action: Action | undefined): Question[] {
  if (action === undefined) return [];
  const path = 'name' in route ? route.name : '';
  // What only untagged manifests name may go with them, and those are of no tag in particular.
  if (route.kind === 'blob' && action === 'delete') return [{ action, path, everyTag: true }];
  if (route.kind !== 'manifest') return [{ action, path }];
  if (route.reference.kind === 'tag') return [{ action, path, tag: route.reference.tag }];
  if (action === 'delete') return [{ action, path, everyTag: true }];
  const tags = action === 'push' ? request.query.getAll('tag').map(parseTag) : [];
  return tags.length === 0 ? [{ action, path }] : tags.map((tag) => ({ action, path, tag }));
}

/** Where a push makes no repository. @throws RegistryError DENIED */
async function refuseToMake({ action, path }: Question, parts: V2Parts): Promise<void> {
  if (action !== 'push' || (await isRepositoryListed(parts.pull.sql, path))) return;
  throw new RegistryError(
    'DENIED',
    `Repositories are made before they are pushed to here, by who manages the path: entrepot repository create ${path}`,
  );
}
