// Paths as a person writes them.

/** `/` is the root, whose path is empty: an empty value is easily written by mistake. */
export function pathOf(text: string): string {
  return text === '/' ? '' : text;
}
