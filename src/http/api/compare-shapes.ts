// The shapes of a comparison of two versions, for the document.
import { z } from '@hono/zod-openapi';

export const VALUE_CHANGE = z
  .object({ name: z.string(), from: z.string().nullable(), to: z.string().nullable() })
  .openapi('ValueChange', { description: 'null: it is not set on that side.' });

const TEXT_CHANGE = z
  .object({ from: z.string().nullable(), to: z.string().nullable() })
  .openapi('TextChange');

const TEXTS = z.array(z.string()).readonly();

const TEXTS_CHANGE = z
  .object({ from: TEXTS.nullable(), to: TEXTS.nullable() })
  .openapi('TextsChange');

const SET_CHANGES = z.object({ added: TEXTS, removed: TEXTS }).openapi('SetChanges');

export const VERSION = z
  .object({
    repository: z.string(),
    digest: z.string(),
    kind: z.enum(['image', 'index', 'artifact']),
    mediaType: z.string(),
    artifactType: z.string().nullable(),
  })
  .openapi('Version');

const LAYER = z
  .object({
    digest: z.string(),
    mediaType: z.string(),
    size: z.int(),
    change: z.enum(['shared', 'new', 'gone']),
    made: z
      .string()
      .nullable()
      .openapi({ description: 'The build step that made it, or the name of the file.' }),
  })
  .openapi('ComparedLayer');

const TOTALS = z
  .object({
    from: z.int(),
    to: z.int(),
    shared: z.int(),
    download: z
      .int()
      .openapi({ description: 'What a host that has `from` must download for `to`.' }),
    gone: z.int(),
  })
  .openapi('ComparedBytes', {
    description: 'Bytes: the manifest, its configuration and its layers, each content once.',
  });

const SETTINGS = z
  .object({
    platform: TEXT_CHANGE.nullable(),
    environment: z.array(VALUE_CHANGE).readonly(),
    entrypoint: TEXTS_CHANGE.nullable(),
    command: TEXTS_CHANGE.nullable(),
    user: TEXT_CHANGE.nullable(),
    workingDirectory: TEXT_CHANGE.nullable(),
    stopSignal: TEXT_CHANGE.nullable(),
    ports: SET_CHANGES,
    volumes: SET_CHANGES,
    labels: z.array(VALUE_CHANGE).readonly(),
  })
  .openapi('SettingChanges', { description: 'Only what changed; null: the same.' });

const STEPS = z
  .object({ shared: z.int(), added: TEXTS, removed: TEXTS })
  .openapi('StepChanges', { description: 'Build steps, by their text.' });

export const CONTENT_COMPARISON = z
  .object({
    layers: z
      .array(LAYER)
      .readonly()
      .openapi({ description: 'Those of `to` in their order, then those that are gone.' }),
    totals: TOTALS,
    annotations: z.array(VALUE_CHANGE).readonly(),
    settings: SETTINGS.nullable().openapi({
      description: 'null: not both are images whose configuration could be read.',
    }),
    steps: STEPS.nullable(),
    notes: TEXTS,
  })
  .openapi('ContentComparison');

export const PLATFORM_COMPARISON = z
  .object({
    name: z.string().openapi({ example: 'linux/arm64/v8' }),
    change: z.enum(['same', 'changed', 'added', 'removed']),
    from: z.string().nullable().openapi({ description: 'Digest.' }),
    to: z.string().nullable().openapi({ description: 'Digest.' }),
    content: CONTENT_COMPARISON.nullable(),
  })
  .openapi('PlatformComparison');
