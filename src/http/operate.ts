// For those who run the registry: is it alive, is it ready, what does it do.
import { BlobStoreError } from '../blobs/blob-store.ts';
import type { Incoming } from './incoming.ts';
import { bytesReply, jsonReply, notAllowed, type Reply } from './reply.ts';

export interface OperateParts {
  /** @throws RegistryError, ErrorWithHeaders to whoever may not read the metrics. */
  admitToMetrics(request: Incoming): Promise<void>;
  /** Throws when the database or the blob store cannot be used. */
  checkReady(): Promise<void>;
  isDraining(): boolean;
  metrics(): Promise<{ contentType: string; text: string }>;
}

const PATHS: ReadonlySet<string> = new Set(['/livez', '/readyz', '/metrics']);

const TEXT = { 'Content-Type': 'text/plain' };

/** Told why the registry is not ready: anybody may ask, so the answer does not say it. */
type Explain = (cause: unknown) => void;

/** `path`: without the prefix. @returns undefined when nothing is served there. @throws ErrorWithHeaders for a method that is none of reading. */
export async function operate(
  request: Incoming,
  { path, parts, explain }: { path: string; parts: OperateParts; explain: Explain },
): Promise<{ operation: string; reply: Reply } | undefined> {
  const { method } = request;
  if (!PATHS.has(path)) return undefined;
  if (method !== 'GET' && method !== 'HEAD') throw notAllowed(method, ['GET', 'HEAD']);
  if (path === '/livez') return { operation: 'livez', reply: bytesReply(200, TEXT, 'alive\n') };
  if (path === '/readyz') return { operation: 'readyz', reply: await ready(parts, explain) };
  await parts.admitToMetrics(request);
  const { contentType, text } = await parts.metrics();
  const reply = bytesReply(200, { 'Content-Type': contentType }, text);
  return { operation: 'metrics', reply };
}

async function ready(parts: OperateParts, explain: Explain): Promise<Reply> {
  if (parts.isDraining()) return jsonReply(503, { ready: false, why: 'shutting down' });
  try {
    await parts.checkReady();
    return jsonReply(200, { ready: true });
  } catch (error) {
    explain(error);
    const what = error instanceof BlobStoreError ? 'blob store' : 'database';
    return jsonReply(503, { ready: false, why: `the ${what} cannot be used; the log says why` });
  }
}
