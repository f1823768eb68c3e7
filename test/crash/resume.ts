// What a client does with an upload that a kill cut short: asks where it stands, and goes on from there.

import type { Random } from '../simulation/random.ts';
import type { Ledger, OpenUpload } from './ledger.ts';
import { fetchSignedIn } from './signed-in.ts';

/** Goes on with some of the open uploads and leaves the others to rest. @returns how many were finished. */
export async function resumeUploads(url: string, ledger: Ledger, random: Random): Promise<number> {
  let finished = 0;
  for (const upload of ledger.uploads) {
    ledger.uploads.delete(upload);
    const size = await statusOf(url, upload);
    const { repository, digest, bytes } = upload;
    if (size === undefined) {
      // Finished before the kill, though nobody heard of it: then it must be there.
      ledger.blob(repository, digest, bytes.length);
    } else if (random.chance(0.6)) {
      await finish(url, upload, size);
      ledger.blob(repository, digest, bytes.length);
      finished += 1;
    }
  }
  return finished;
}

/** @returns bytes held, or undefined when the upload is gone because it was being closed. */
async function statusOf(url: string, upload: OpenUpload): Promise<number | undefined> {
  const { location, acknowledged, isClosing, bytes } = upload;
  const answer = await fetchSignedIn(`${url}${location}`);
  if (answer.status === 404 && isClosing) return undefined;
  if (answer.status !== 204) throw new Error(`status of ${location}: ${answer.status}`);
  const end = Number(answer.headers.get('range')?.split('-')[1]);
  // "0-0" stands for no byte as well as for one.
  const size = end === 0 ? Math.min(acknowledged, 1) : end + 1;
  if (size >= acknowledged && size <= bytes.length) return size;
  throw new Error(
    `${location} holds ${size} of ${bytes.length} bytes; ${acknowledged} were acknowledged`,
  );
}

async function finish(url: string, upload: OpenUpload, size: number): Promise<void> {
  const { location, bytes, digest } = upload;
  const rest = bytes.slice(size);
  const half = Math.floor(rest.length / 2);
  if (half > 0) {
    const answer = await fetchSignedIn(`${url}${location}`, {
      method: 'PATCH',
      headers: { 'Content-Range': `${size}-${size + half - 1}` },
      body: rest.slice(0, half),
    });
    if (answer.status !== 202) throw new Error(`PATCH of ${location} at ${size}: ${answer.status}`);
  }
  const answer = await fetchSignedIn(`${url}${location}?digest=${digest}`, {
    method: 'PUT',
    body: rest.slice(half),
  });
  if (answer.status !== 201) {
    throw new Error(`PUT of ${location}: ${answer.status} ${await answer.text()}`);
  }
}
