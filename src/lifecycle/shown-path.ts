// A path in a sentence: the root has no name of its own.

export function shownPath(path: string): string {
  return path === '' ? 'the root' : `"${path}"`;
}
