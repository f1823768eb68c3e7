// Two versions beside each other: what is new in the one, and what a host must download for it.
import { z } from '@hono/zod-openapi';
import type { ContentComparison } from '../../lifecycle/compare/compare-content.ts';
import {
  compareVersions,
  type PlatformComparison,
} from '../../lifecycle/compare/compare-versions.ts';
import type { Version } from '../../lifecycle/compare/read-content.ts';
import type { VersionParts } from '../../lifecycle/compare/version-parts.ts';
import { RegistryError } from '../../oci/errors.ts';
import { parseReference } from '../../oci/reference.ts';
import { pullManifest } from '../../registry/pull.ts';
import type { ApiCall } from './api-call.ts';
import {
  CONTENT_COMPARISON,
  PLATFORM_COMPARISON,
  VALUE_CHANGE,
  VERSION,
} from './compare-shapes.ts';
import { endpoint } from './endpoint.ts';
import { REPOSITORY, repositoryOf } from './repository-address.ts';

const REFERENCE = z.string().min(1).max(200).openapi({ description: 'A tag or digest.' });

const COMPARISON = z
  .object({
    from: VERSION,
    to: VERSION,
    isSame: z.boolean(),
    content: CONTENT_COMPARISON.nullable().openapi({
      description: 'Of two images, or two artifacts.',
    }),
    platforms: z
      .array(PLATFORM_COMPARISON)
      .readonly()
      .nullable()
      .openapi({ description: 'Where one is an index: platform by platform.' }),
    annotations: z.array(VALUE_CHANGE).readonly(),
    notes: z
      .array(z.string())
      .readonly()
      .openapi({ description: 'What could not be compared, and why.' }),
  })
  .openapi('Comparison');

const compare = endpoint({
  method: 'get',
  path: '/repositories/{repository}/compare',
  tag: 'Tags',
  summary: 'What changed from one version to another',
  may: 'Who may pull both.',
  audience: 'anyone',
  params: z.object({ repository: REPOSITORY }),
  query: z.strictObject({
    from: REFERENCE.openapi({ example: 'v1' }),
    to: REFERENCE.openapi({ example: 'v2' }),
    with: REPOSITORY.optional().openapi({
      description: 'The repository that `to` is in: its name, or its id. Absent: the same one.',
      example: 'team/api',
    }),
  }),
  result: COMPARISON,
  async handle(call, { params, query }) {
    const { pull } = call.parts;
    const from = await versionOf(call, params.repository, query.from);
    const to = await versionOf(call, query.with ?? params.repository, query.to);
    const compared = await compareVersions(pull, { from, to });
    return {
      ...compared,
      from: showVersion(from, compared.from),
      to: showVersion(to, compared.to),
      isSame: compared.from.digest === compared.to.digest,
      content: compared.content === undefined ? null : showContent(compared.content),
      platforms: compared.platforms?.map(showPlatform) ?? null,
    };
  },
});

/** @throws RegistryError NOT_FOUND alike for what is not there and for a tag that one may not pull. */
async function versionOf(call: ApiCall, address: string, text: string): Promise<Version> {
  const { name: repository } = await repositoryOf(call, address);
  const reference = parseReference(text);
  const missing = () =>
    new RegistryError(
      'NOT_FOUND',
      `"${repository}" has no ${reference.kind === 'tag' ? `tag "${reference.tag}"` : `manifest ${reference.digest}`}.`,
    );
  if (reference.kind === 'tag') {
    const question = { action: 'pull', path: repository, tag: reference.tag } as const;
    if (!(await call.may(question))) throw missing();
  }
  try {
    return { repository, manifest: await pullManifest(call.parts.pull, { repository, reference }) };
  } catch (error) {
    if (!(error instanceof RegistryError) || error.code !== 'MANIFEST_UNKNOWN') throw error;
    throw missing();
  }
}

function showVersion({ repository }: Version, parts: VersionParts): z.input<typeof VERSION> {
  const { kind, digest, mediaType, artifactType = null } = parts;
  return { repository, digest, kind, mediaType, artifactType };
}

function showPlatform(platform: PlatformComparison): z.input<typeof PLATFORM_COMPARISON> {
  const { name, change, from = null, to = null, content } = platform;
  return { name, change, from, to, content: content === undefined ? null : showContent(content) };
}

function showContent(content: ContentComparison): z.input<typeof CONTENT_COMPARISON> {
  const { settings, steps = null } = content;
  if (settings === undefined) return { ...content, settings: null, steps };
  const {
    platform = null,
    entrypoint = null,
    command = null,
    user = null,
    workingDirectory = null,
    stopSignal = null,
  } = settings;
  const changes = { platform, entrypoint, command, user, workingDirectory, stopSignal };
  return { ...content, settings: { ...settings, ...changes }, steps };
}

export const compareEndpoints = [compare];
