// Robots as a person names them: `team/backend:ci`.
import type { ApiClient, JsonObject } from './api-client.ts';
import { findPlaced, type PlacedKind, type PlacedText, parsePlaced } from './placed-text.ts';

export const ROBOT = {
  name: 'ROBOT',
  about: 'Path and name, such as team/backend:ci, or its number.',
} as const;

const KIND: PlacedKind = {
  noun: 'robot',
  example: 'team/backend:ci',
  list: '/robots',
  isOfRootToo: false,
};

/** @throws UsageError */
export function parseRobot(text: string): PlacedText {
  return parsePlaced(text, KIND);
}

/** @throws CommandFailure when there is none, UsageError for what is no robot's name. */
export function findRobot(api: ApiClient, text: string): Promise<JsonObject> {
  return findPlaced(api, text, KIND);
}
