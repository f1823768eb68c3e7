// The errors of the distribution spec, as one table: the code a client sees and the sentence that
// is shown when nothing better is known. Knows no HTTP: `http/` maps a code to a status.

/** Codes of the spec (code-1 … code-14), those that Docker's clients know besides, and a few of the management API. */
export const ERROR_MESSAGES = {
  BLOB_UNKNOWN: 'This repository holds no blob with that digest.',
  BLOB_UPLOAD_INVALID: 'This upload cannot go on like that.',
  BLOB_UPLOAD_UNKNOWN:
    'No such upload: it was finished, cancelled or has expired. Start a new one.',
  DIGEST_INVALID: 'The digest is not valid, or is not that of the bytes received.',
  MANIFEST_BLOB_UNKNOWN:
    'The manifest names content that this repository does not hold. Push it first.',
  MANIFEST_INVALID: 'The manifest is not valid.',
  MANIFEST_UNKNOWN: 'This repository holds no such manifest.',
  NAME_INVALID: 'That is not a valid repository name.',
  NAME_UNKNOWN: 'There is no repository of that name.',
  SIZE_INVALID: 'The length announced is not that of the bytes received.',
  TAG_INVALID: 'That is not a valid tag.',
  RANGE_INVALID: 'The range asked for cannot be served.',
  PRECONDITION_FAILED: 'The condition of the request does not hold.',
  PAGINATION_NUMBER_INVALID: 'The page size must be a whole number, zero or more.',
  UNAUTHORIZED: 'Sign in first.',
  DENIED: 'You may not do that here.',
  NOT_FOUND: 'There is nothing of that name.',
  CONFLICT: 'Something of that name is there already.',
  UNSUPPORTED: 'That operation is not supported.',
  TOOMANYREQUESTS: 'Too many requests at once. Try again in a moment.',
  SIZE_TOO_LARGE: 'That is larger than this registry accepts.',
  URL_TOO_LONG: 'The address of the request is too long.',
  REQUEST_INVALID: 'The request cannot be understood.',
  STORAGE_FULL: 'The registry has no room left for this push. Nothing was stored.',
  STORAGE_FAILED: 'The registry could not read or write its storage. Its log names the cause.',
  UNAVAILABLE: 'The registry cannot answer this now. Try again in a moment.',
  INTERNAL: 'Something went wrong inside the registry. Its log names the cause.',
} as const;

export type ErrorCode = keyof typeof ERROR_MESSAGES;

export type ErrorDetail = Readonly<Record<string, unknown>>;

/**
 * What is thrown for every refusal and every fault that a client should hear of.
 * `message` and `detail` are sent to the client; `cause` is logged and never sent.
 */
export class RegistryError extends Error {
  readonly code: ErrorCode;
  readonly detail: ErrorDetail | undefined;

  constructor(code: ErrorCode, message?: string, detail?: ErrorDetail, options?: ErrorOptions) {
    super(message ?? ERROR_MESSAGES[code], options);
    this.name = 'RegistryError';
    this.code = code;
    this.detail = detail;
  }
}
