// An error as plain data, on its way between two threads: structured clone would lose its class and code.
import { type ErrorCode, type ErrorDetail, RegistryError } from '../oci/errors.ts';

export interface PlainError {
  readonly code?: ErrorCode;
  readonly message: string;
  /** Where it was thrown, for the log. */
  readonly stack?: string | undefined;
  readonly detail?: ErrorDetail | undefined;
  readonly cause?: string | undefined;
}

export function toPlain(error: unknown): PlainError {
  if (error instanceof RegistryError) {
    const cause = error.cause === undefined ? undefined : String(error.cause);
    return { code: error.code, message: error.message, detail: error.detail, cause };
  }
  if (!(error instanceof Error)) return { message: String(error) };
  return { message: error.message, stack: error.stack };
}

export function fromPlain(plain: PlainError): Error {
  const options = plain.cause === undefined ? undefined : { cause: plain.cause };
  if (plain.code === undefined) {
    const error = new Error(plain.message);
    if (plain.stack !== undefined) error.stack = plain.stack;
    return error;
  }
  return new RegistryError(plain.code, plain.message, plain.detail, options);
}
