// What a user is called and their e-mail address, as flags.
import type { JsonObject } from './api-client.ts';
import type { Given } from './command.ts';

export const PROFILE_FLAGS = {
  'display-name': { value: 'TEXT', about: 'As people are shown it.' },
  email: { value: 'ADDRESS', about: 'The e-mail address.' },
} as const;

/** Only what is given. */
export function profileOf(given: Given): JsonObject {
  const displayName = given.flag('display-name');
  const email = given.flag('email');
  return {
    ...(displayName !== undefined && { displayName }),
    ...(email !== undefined && { email }),
  };
}
