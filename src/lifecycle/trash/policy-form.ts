// The form of a trash policy: how long what was deleted at a path and below it can be restored.
import { z } from 'zod';

/** Days. */
const LONGEST = 365;

export const TRASH_POLICY = z.strictObject({ days: z.int().min(1).max(LONGEST) });
