// Patterns of tags, made ready to be tried on thousands of tags. The same answers as `matchesGlob`.
import { matchesGlob } from '../../access/glob.ts';

/** `label` and `annotation` values beyond this are compared by their beginning: others write them. */
const LONGEST_VALUE = 4096;

/** Whether a text fits a pattern: without a wildcard and with one star, no need for the matcher. */
export function globTest(pattern: string): (text: string) => boolean {
  if (!/[*?]/.test(pattern)) return (text) => text === pattern;
  const [begin = '', end = '', ...others] = pattern.split('*');
  if (!pattern.includes('?') && others.length === 0) {
    const shortest = begin.length + end.length;
    return (text) => text.length >= shortest && text.startsWith(begin) && text.endsWith(end);
  }
  const sure = begin.split('?', 1)[0] ?? '';
  return (text) =>
    text.startsWith(sure) && matchesGlob(pattern, text.slice(0, LONGEST_VALUE), { isPath: false });
}

/** Whether a tag fits one of `tags` (none: every tag does) and none of `except`. */
export function tagTest(limits: {
  readonly tags?: readonly string[] | undefined;
  readonly except?: readonly string[] | undefined;
}): (tag: string) => boolean {
  const wanted = (limits.tags ?? ['*']).map(globTest);
  const unwanted = (limits.except ?? []).map(globTest);
  return (tag) => wanted.some((fits) => fits(tag)) && !unwanted.some((fits) => fits(tag));
}

/** Whether labels or annotations have a key, or for `key=pattern` a value of it that fits. */
export function pairTest(
  pair: string,
): (values: Readonly<Record<string, string>> | undefined) => boolean {
  const at = pair.indexOf('=');
  const key = at < 0 ? pair : pair.slice(0, at);
  const fits = at < 0 ? () => true : globTest(pair.slice(at + 1));
  return (values) => values !== undefined && Object.hasOwn(values, key) && fits(values[key] ?? '');
}
