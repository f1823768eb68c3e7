// One repository, and what it holds in numbers.
import { z } from '@hono/zod-openapi';
import { countInRepository } from '../../metadata/repository-details.ts';
import { endpoint } from './endpoint.ts';
import { REPOSITORY, repositoryOf } from './repository-address.ts';
import { TIME, timeOf } from './shapes.ts';

/** Counted so far: some milliseconds of a large repository. */
const COUNTED = 10_000;

const COUNT = z
  .object({
    count: z.int(),
    isMore: z.boolean().openapi({ description: `There are more; it is counted up to ${COUNTED}.` }),
  })
  .openapi('BoundedCount');

const DETAILS = z
  .object({
    id: z.int().openapi({ description: 'Stays when the repository is renamed.' }),
    name: z.string(),
    visibility: z.enum(['private', 'internal', 'public']),
    createdAt: TIME,
    tags: COUNT,
    manifests: COUNT.openapi({ description: 'Also those without a tag.' }),
  })
  .openapi('Repository');

function countOf(counted: number): z.input<typeof COUNT> {
  return { count: Math.min(counted, COUNTED), isMore: counted > COUNTED };
}

const show = endpoint({
  method: 'get',
  path: '/repositories/{repository}',
  tag: 'Repositories',
  summary: 'A repository',
  may: 'Who may pull there.',
  audience: 'anyone',
  params: z.object({ repository: REPOSITORY }),
  result: DETAILS,
  async handle(call, { params }) {
    const { id, name, visibility, createdAt } = await repositoryOf(call, params.repository);
    const page = { repository: id, limit: COUNTED + 1 };
    const { tags, manifests } = await countInRepository(call.parts.sql, page);
    return {
      id,
      name,
      visibility,
      createdAt: timeOf(createdAt),
      tags: countOf(tags),
      manifests: countOf(manifests),
    };
  },
});

export const repositoryEndpoints = [show];
