// How zod reads the text of a setting: by a function of setting-values.ts, whose SettingProblem becomes an
// issue at the place where the text stands.
import { z } from 'zod';
import { SettingProblem } from './setting-values.ts';

const TEXT = z.string({ error: 'It must be text.' });

/** `text`: what is asked of it before `parse`. */
export function textOf<T>(parse: (text: string) => T, text: z.ZodType<string, string> = TEXT) {
  return text.transform((value, context) => {
    try {
      return parse(value);
    } catch (problem) {
      if (!(problem instanceof SettingProblem)) throw problem;
      context.addIssue({ code: 'custom', message: problem.message });
      return z.NEVER;
    }
  });
}
