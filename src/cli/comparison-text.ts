// A comparison of two versions, as a person reads it: what it costs, and then what changed, a line each.
import { showBytes } from '../lifecycle/quota/amount-text.ts';
import { type Json, type JsonObject, objectOf } from './api-client.ts';
import { shortDigest } from './image-text.ts';
import { cell, column, table } from './show.ts';

interface Detail {
  readonly isFull: boolean;
}

export function comparisonText(found: JsonObject, detail: Detail): string {
  const { from, to, content, platforms, annotations, notes } = found;
  const parts = [table([named('from', from), named('to', to)], VERSIONS)];
  if (found.isSame === true) parts.push('Both are the same.\n');
  else if (content !== null) parts.push(contentText(objectOf(content), detail));
  else {
    for (const platform of rows(platforms)) parts.push(platformText(platform, detail));
    parts.push(changeTable(changes('annotation', annotations), detail));
  }
  const told = list(notes).map((note) => `${cell(note)}\n`);
  return [...parts, told.join('')].filter((text) => text !== '').join('\n');
}

const VERSIONS = [
  column('', 'side'),
  column('Repository', 'repository'),
  column('Digest', 'digest'),
  column('Kind', 'kind'),
];

function named(side: string, version: Json | undefined): JsonObject {
  return { side, ...objectOf(version) };
}

function platformText(platform: JsonObject, detail: Detail): string {
  const { name, change, content } = platform;
  const title = `${cell(name)}: ${cell(change)}\n`;
  return content === null ? title : `${title}\n${contentText(objectOf(content), detail)}`;
}

function contentText(content: JsonObject, detail: Detail): string {
  const { layers, totals, annotations, settings, steps, notes } = content;
  const lines: JsonObject[] = [
    ...(settings === null ? [] : settingChanges(objectOf(settings))),
    ...(steps === null ? [] : listChanges('step', objectOf(steps))),
    ...changes('annotation', annotations),
  ];
  return [
    totalsText(objectOf(totals)),
    layerTable(rows(layers), detail),
    changeTable(lines, detail),
    list(notes)
      .map((note) => `${cell(note)}\n`)
      .join(''),
  ]
    .filter((text) => text !== '')
    .join('\n');
}

function totalsText({ to, shared, download, gone }: JsonObject): string {
  return `To download: ${bytes(download)} of ${bytes(to)}. Shared: ${bytes(shared)}. Gone: ${bytes(gone)}.\n`;
}

function layerTable(layers: readonly JsonObject[], { isFull }: Detail): string {
  const shown = isFull ? layers : layers.filter(({ change }) => change !== 'shared');
  if (shown.length === 0) return '';
  return table(shown, [
    { title: 'Layer', of: ({ digest }) => (isFull ? cell(digest) : shortDigest(digest)) },
    column('Is', 'change'),
    { title: 'Size', of: ({ size }) => bytes(size) },
    { title: 'Made by', of: ({ made }) => shortened(made, isFull) },
  ]);
}

function changeTable(lines: readonly JsonObject[], { isFull }: Detail): string {
  if (lines.length === 0) return '';
  return table(lines, [
    column('Changed', 'what'),
    { title: 'From', of: ({ from }) => shortened(from, isFull) },
    { title: 'To', of: ({ to }) => shortened(to, isFull) },
  ]);
}

const SINGLE = [
  ['platform', 'platform'],
  ['entrypoint', 'entry point'],
  ['command', 'command'],
  ['user', 'user'],
  ['workingDirectory', 'working directory'],
  ['stopSignal', 'stop signal'],
] as const;

function settingChanges(settings: JsonObject): JsonObject[] {
  const single = SINGLE.flatMap(([field, what]) => {
    const change = settings[field] ?? null;
    if (change === null) return [];
    const { from, to } = objectOf(change);
    return [{ what, from: written(from), to: written(to) }];
  });
  return [
    ...single,
    ...changes('env', settings.environment),
    ...listChanges('port', objectOf(settings.ports)),
    ...listChanges('volume', objectOf(settings.volumes)),
    ...changes('label', settings.labels),
  ];
}

/** Lists of words as JSON: what is one word and what are two makes a difference there. */
function written(value: Json | undefined): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function changes(what: string, list: Json | undefined): JsonObject[] {
  return rows(list).map(({ name, from, to }) => ({
    what: `${what} ${cell(name)}`,
    from: quotedIfEmpty(from),
    to: quotedIfEmpty(to),
  }));
}

/** Set to nothing is something else than not set. */
function quotedIfEmpty(value: Json | undefined): Json | undefined {
  return value === '' ? '""' : value;
}

function listChanges(what: string, { added, removed }: JsonObject): JsonObject[] {
  return [
    ...list(removed).map((from) => ({ what, from, to: null })),
    ...list(added).map((to) => ({ what, from: null, to })),
  ];
}

const SHOWN_CHARACTERS = 60;

function shortened(value: Json | undefined, isFull: boolean): string {
  const text = cell(value);
  if (isFull || text.length <= SHOWN_CHARACTERS) return text;
  return `${text.slice(0, SHOWN_CHARACTERS - 1)}…`;
}

function bytes(value: Json | undefined): string {
  return typeof value === 'number' ? showBytes(value) : '';
}

function rows(value: Json | undefined): readonly JsonObject[] {
  return list(value).map(objectOf);
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}
