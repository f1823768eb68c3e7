// What belongs to a path and has a name there, as a person writes it: `team/backend:ci`. The API knows it
// by number.
import { type ApiClient, type JsonObject, objectOf, part } from './api-client.ts';
import { CommandFailure, UsageError } from './command.ts';

export interface PlacedText {
  readonly path: string;
  readonly name: string;
}

/** How things of a kind are named, and where the API has them. */
export interface PlacedKind {
  readonly noun: string;
  readonly example: string;
  /** In the API. */
  readonly list: string;
  /** Some may be of the root, whose path is empty. */
  readonly isOfRootToo: boolean;
}

/** @throws UsageError */
export function parsePlaced(text: string, { noun, example, isOfRootToo }: PlacedKind): PlacedText {
  const colon = text.lastIndexOf(':');
  const isPlaced = isOfRootToo ? colon >= 0 : colon > 0;
  if (isPlaced && colon < text.length - 1) {
    return { path: text.slice(0, colon), name: text.slice(colon + 1) };
  }
  throw new UsageError(`"${text}" is no ${noun}: write path and name, such as ${example}.`);
}

/** By path and name, or by number. @throws CommandFailure when there is none, UsageError */
export async function findPlaced(
  api: ApiClient,
  text: string,
  kind: PlacedKind,
): Promise<JsonObject> {
  if (/^[1-9]\d{0,14}$/.test(text)) return objectOf(await api.get(`${kind.list}/${part(text)}`));
  const { path, name } = parsePlaced(text, kind);
  for await (const one of api.list(kind.list, { path })) {
    if (one.path === path && one.name === name) return one;
    // They come by path: those of the path itself are first.
    if (one.path !== path) break;
  }
  throw new CommandFailure(`There is no ${kind.noun} "${text}".`);
}
