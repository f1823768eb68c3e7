// For those who run the registry: is it alive, is it ready, what does it do.
import { bytesReply, jsonReply, type Reply } from './reply.ts';

export interface OperateParts {
  /** Throws when the database or the blob store cannot be used. */
  checkReady(): Promise<void>;
  isDraining(): boolean;
  metrics(): Promise<{ contentType: string; text: string }>;
}

const TEXT = { 'Content-Type': 'text/plain' };

/** @returns undefined when nothing is served at `path`. */
export async function operate(
  path: string,
  parts: OperateParts,
): Promise<{ operation: string; reply: Reply } | undefined> {
  if (path === '/livez') return { operation: 'livez', reply: bytesReply(200, TEXT, 'alive\n') };
  if (path === '/readyz') return { operation: 'readyz', reply: await ready(parts) };
  if (path !== '/metrics') return undefined;
  const { contentType, text } = await parts.metrics();
  const reply = bytesReply(200, { 'Content-Type': contentType }, text);
  return { operation: 'metrics', reply };
}

async function ready(parts: OperateParts): Promise<Reply> {
  if (parts.isDraining()) return jsonReply(503, { ready: false, why: 'shutting down' });
  try {
    await parts.checkReady();
    return jsonReply(200, { ready: true });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return jsonReply(503, { ready: false, why });
  }
}
