// Where the OpenID Connect provider of the tests keeps what it gives out: one map for each provider.

type Kept = Record<string, unknown>;

/** A class that the provider makes one of for each kind of thing. */
export function oidcMemory() {
  const kept = new Map<string, Kept>();

  return class OidcMemory {
    readonly #kind: string;

    constructor(kind: string) {
      this.#kind = kind;
    }

    async upsert(id: string, value: Kept): Promise<void> {
      kept.set(this.#key(id), value);
    }

    async find(id: string): Promise<Kept | undefined> {
      return kept.get(this.#key(id));
    }

    async findByUid(uid: string): Promise<Kept | undefined> {
      const own = [...kept].filter(([key]) => key.startsWith(this.#key('')));
      return own.find(([, value]) => value.uid === uid)?.[1];
    }

    /** For devices without a keyboard, which these tests have none of. */
    async findByUserCode(): Promise<undefined> {}

    async consume(id: string): Promise<void> {
      const value = kept.get(this.#key(id));
      if (value !== undefined) value.consumed = Math.floor(Date.now() / 1000);
    }

    async destroy(id: string): Promise<void> {
      kept.delete(this.#key(id));
    }

    async revokeByGrantId(grantId: string): Promise<void> {
      for (const [key, value] of kept) {
        if (key.startsWith(this.#key('')) && value.grantId === grantId) kept.delete(key);
      }
    }

    #key(id: string): string {
      return `${this.#kind}:${id}`;
    }
  };
}
