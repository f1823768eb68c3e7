// `Warning: 299`: the sentence beside a success that regctl, oras and containerd show to people (RFC 7234
// §5.5; distribution spec, "Warnings"). Only for what somebody may want to change.

/** Bytes of a text: a warning is shown on a terminal. The spec allows 4 KiB of header line. */
const TEXT_LENGTH = 500;

/** `text` is ours: printable ASCII, no quotes. What a client sent does not belong into it. */
export function warningHeader(text: string): Readonly<Record<string, string>> {
  const safe = text.slice(0, TEXT_LENGTH).replaceAll(/[^\x20-\x7e]|["\\]/g, '?');
  return { Warning: `299 - "${safe}"` };
}
