// Why a server did not start, as a sentence for the person who started it.
import type { Configuration } from '../app/configuration.ts';

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

export function explainStartProblem(error: unknown, configuration: Configuration): string {
  const { data } = configuration;
  const message = error instanceof Error ? error.message : String(error);
  switch (codeOf(error)) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return `No permission in the data directory ${data}: ${message}. Choose another with --data, or change its owner.`;
    case 'ENOSPC':
      return `No room left for the data directory ${data}: ${message}.`;
    case 'ENOTDIR':
    case 'EEXIST':
      return `The data directory ${data} is not a directory: ${message}. Choose another with --data.`;
    default:
      // Whoever throws without a code has written a sentence.
      return message;
  }
}
