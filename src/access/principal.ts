// Who is asking.

/** Until people can sign in, everybody is the same anonymous caller. */
export interface Principal {
  readonly kind: 'anonymous';
  /** As it stands in histories and logs. */
  readonly name: string;
}

export const ANONYMOUS: Principal = { kind: 'anonymous', name: 'anonymous' };
