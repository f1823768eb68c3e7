// Copies of images between repositories, without their bytes.
import { z } from '@hono/zod-openapi';
import { copyImage } from '../../lifecycle/names/copy-image.ts';
import { findManifestByDigest, findManifestByTag } from '../../metadata/manifests.ts';
import { RegistryError } from '../../oci/errors.ts';
import { parseReference, type Reference } from '../../oci/reference.ts';
import { parseRepositoryName } from '../../oci/repository-name.ts';
import type { ApiCall } from './api-call.ts';
import { endpoint } from './endpoint.ts';
import { REPOSITORY, repositoryOf } from './repository-address.ts';
import { TAG } from './tag-shapes.ts';

const MOST_TAGS = 50;

async function sourceOf(call: ApiCall, { from, wanted }: { from: string; wanted: Reference }) {
  const { id, name } = await repositoryOf(call, from, 'pull');
  const { sql } = call.parts;
  if (wanted.kind === 'tag') await call.need({ action: 'pull', path: name, tag: wanted.tag });
  const found =
    wanted.kind === 'tag'
      ? await findManifestByTag(sql, { repository: name, tag: wanted.tag })
      : await findManifestByDigest(sql, { repository: name, digest: wanted.digest });
  if (found === undefined) {
    const what = wanted.kind === 'tag' ? wanted.tag : wanted.digest;
    throw new RegistryError('NOT_FOUND', `There is no ${what} in "${name}".`);
  }
  return { from: { id, name }, image: { id: found.id, digest: found.digest } };
}

const copy = endpoint({
  method: 'post',
  path: '/repositories/{repository}/copy',
  tag: 'Names',
  summary: 'Copy an image into this repository from another one, without moving bytes',
  may: 'Who may push here (the tags, when some are named) and pull there.',
  params: z.object({
    repository: REPOSITORY.refine((text) => !text.startsWith('id:'), {
      error: 'must be a name: the repository may not be there yet',
    }),
  }),
  body: z.strictObject({
    from: REPOSITORY,
    reference: z.string().min(1).max(200).openapi({ description: 'A tag or a digest there.' }),
    tags: z.array(TAG).max(MOST_TAGS).optional().openapi({
      description: 'Here. Default: the tag that it has there; none when it is named by its digest.',
    }),
    withReferrers: z.boolean().default(true).openapi({
      description: 'Signatures, SBOMs and whatever else refers to it, too.',
    }),
  }),
  result: z.object({
    repository: z.string(),
    digest: z.string(),
    tags: z.array(z.string()),
    manifests: z.int(),
    warnings: z.array(z.string()).readonly(),
  }),
  async handle(call, { params, body }) {
    const to = parseRepositoryName(params.repository);
    const { reference, withReferrers } = body;
    const wanted = parseReference(reference);
    const tags = body.tags ?? (wanted.kind === 'tag' ? [wanted.tag] : []);
    if (tags.length === 0) await call.need({ action: 'push', path: to });
    for (const tag of tags) await call.need({ action: 'push', path: to, tag });
    const { creation } = await call.parts.standings.readPath(to);
    if (creation === 'explicit') await repositoryOf(call, to, 'push');
    const source = await sourceOf(call, { from: body.from, wanted });
    const { sql, commands } = call.parts;
    const { actor } = call;
    const copied = await copyImage(
      { sql, commands },
      { ...source, to, tags, withReferrers, actor },
    );
    return { repository: to, tags, ...copied };
  },
});

export const copyEndpoints = [copy];
