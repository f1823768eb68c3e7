// Robots as a person names them: `team/backend:ci`. The API knows them by number.
import { type ApiClient, type JsonObject, objectOf } from './api-client.ts';
import { CommandFailure, UsageError } from './command.ts';

export const ROBOT = {
  name: 'ROBOT',
  about: 'Path and name, such as team/backend:ci, or its number.',
} as const;

export interface RobotText {
  readonly path: string;
  readonly name: string;
}

/** @throws UsageError */
export function parseRobot(text: string): RobotText {
  const colon = text.lastIndexOf(':');
  if (colon > 0 && colon < text.length - 1) {
    return { path: text.slice(0, colon), name: text.slice(colon + 1) };
  }
  throw new UsageError(`"${text}" is no robot: write path and name, such as team/backend:ci.`);
}

export function isNumber(text: string): boolean {
  return /^[1-9]\d{0,14}$/.test(text);
}

/** @throws CommandFailure when there is none, UsageError for what is no robot's name. */
export async function findRobot(api: ApiClient, text: string): Promise<JsonObject> {
  if (isNumber(text)) return objectOf(await api.get(`/robots/${text}`));
  const { path, name } = parseRobot(text);
  for await (const robot of api.list('/robots', { path })) {
    if (robot.path === path && robot.name === name) return robot;
    // They come by path: those of the path itself are first.
    if (robot.path !== path) break;
  }
  throw new CommandFailure(`There is no robot "${text}".`);
}
