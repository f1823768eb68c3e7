// Access tokens that were made and revoked while the server was being killed: what was answered must hold.
import { fetchSignedIn } from './signed-in.ts';

interface AskedToken {
  readonly id: number;
  readonly secret: string;
}

export class TokenLedger {
  readonly #live = new Map<number, string>();
  /** Their revocation was asked for and not answered: either may be true. */
  readonly #asked = new Set<number>();
  #revoked: AskedToken[] = [];
  #acknowledged = 0;

  /** How many acts were answered. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Tokens that nobody has asked to revoke. */
  liveIds(): number[] {
    return [...this.#live.keys()].filter((id) => !this.#asked.has(id));
  }

  made({ id, secret }: AskedToken): void {
    this.#live.set(id, secret);
    this.#acknowledged += 1;
  }

  revocationAsked(id: number): void {
    this.#asked.add(id);
  }

  revoked(id: number): void {
    this.#revoked.push({ id, secret: this.#live.get(id) ?? '' });
    this.#forget(id);
    this.#acknowledged += 1;
  }

  #forget(id: number): void {
    this.#live.delete(id);
    this.#asked.delete(id);
  }

  /** @throws Error for a token that is lost, and for one that came back. */
  async verify(url: string): Promise<void> {
    for (const id of this.#asked) this.#forget(id);
    for (const [id, secret] of this.#live) await expectStatus(url, { id, secret }, 200);
    for (const token of this.#revoked) await expectStatus(url, token, 401);
    this.#revoked = [];
  }
}

async function expectStatus(url: string, { id, secret }: AskedToken, status: number) {
  const answer = await fetch(`${url}/v2/`, { headers: { Authorization: `Bearer ${secret}` } });
  await answer.bytes();
  if (answer.status === status) return;
  throw new Error(`access token ${id} is answered ${answer.status} instead of ${status}`);
}

/** The chain of the audit log holds after every kill. @throws Error naming the first event that does not. */
export async function verifyAuditLog(url: string): Promise<void> {
  const answer = await fetchSignedIn(`${url}/api/v1/audit/verify`);
  const found = (await answer.json()) as { broken?: unknown };
  if (answer.status === 200 && (found.broken ?? null) === null) return;
  throw new Error(`the audit log is broken (${answer.status}): ${JSON.stringify(found)}`);
}
