// `/v2/<name>/tags/list` and `/v2/_catalog`
import { LIMITS } from '../../oci/limits.ts';
import { nextLink, parsePageSize } from '../../oci/page.ts';
import type { Route } from '../../oci/route.ts';
import { listRepositories, listTags, type Page, type PageRequest } from '../../registry/list.ts';
import { jsonReply, type Reply } from '../reply.ts';
import { warningHeader } from '../warning.ts';
import type { V2Parts } from './parts.ts';
import type { V2Request } from './request.ts';

export async function getTags(
  request: V2Request,
  route: Extract<Route, { kind: 'tags' }>,
  parts: V2Parts,
): Promise<Reply> {
  const { name: repository } = route;
  const wanted = pageRequest(request);
  const page = await listTags(parts.pull.sql, { repository, ...wanted });
  const headers = pageHeaders(request, `/v2/${repository}/tags/list`, page);
  const tags = await readableTags(request, repository, page.items);
  return jsonReply(200, { name: repository, tags }, headers);
}

/** Whose right to pull is limited to some tags sees only those. */
async function readableTags(
  request: V2Request,
  path: string,
  tags: readonly string[],
): Promise<readonly string[]> {
  const question = { action: 'pull', path } as const;
  if (await request.may({ ...question, everyTag: true })) return tags;
  const readable: string[] = [];
  for (const tag of tags) {
    if (await request.may({ ...question, tag })) readable.push(tag);
  }
  return readable;
}

export async function getCatalog(
  request: V2Request,
  _route: Extract<Route, { kind: 'catalog' }>,
  parts: V2Parts,
): Promise<Reply> {
  const wanted = pageRequest(request);
  const visible = await request.visible();
  const page = await listRepositories(parts.pull.sql, { ...wanted, visible });
  const headers = pageHeaders(request, '/v2/_catalog', page);
  return jsonReply(200, { repositories: page.items }, headers);
}

function pageRequest(request: V2Request): PageRequest {
  return {
    size: parsePageSize(request.query.get('n')),
    // NUL sorts before every name, and PostgreSQL takes none in a text.
    last: (request.query.get('last') ?? '').replaceAll('\0', ''),
  };
}

function pageHeaders(request: V2Request, path: string, page: Page): Record<string, string> {
  const asked = request.query.get('n');
  const n = parsePageSize(asked) ?? LIMITS.pageSize;
  const headers: Record<string, string> = {};
  if (page.next !== undefined) headers.Link = nextLink(path, { n, last: page.next });
  // Clients that follow no Link would otherwise take the first page for everything.
  const isCut = Number(asked) > LIMITS.pageSize;
  return isCut ? { ...headers, ...PAGE_CUT } : headers;
}

const PAGE_CUT = warningHeader(
  `A page has at most ${LIMITS.pageSize} entries; follow the Link header for those after it.`,
);
