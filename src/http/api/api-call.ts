// One call of the management API: who makes it, and may they. What somebody may not see is answered as if
// it were absent; that is worked out from the path before anything is looked up there.
import type { Question } from '../../access/decide.ts';
import { credentialKey } from '../../access/principal.ts';
import type { SignInContext } from '../../access/sign-in/prove-password.ts';
import { factorsOf } from '../../access/sign-in/sign-in.ts';
import { isBelowInScope } from '../../access/tokens/narrower-scopes.ts';
import type { Actor } from '../../metadata/audit.ts';
import { readUserSecrets } from '../../metadata/users.ts';
import { RegistryError } from '../../oci/errors.ts';
import { deniedError } from '../access/authorise.ts';
import type { Caller } from '../access/caller.ts';
import { actorOf } from '../access/gate.ts';
import type { Incoming } from '../incoming.ts';
import type { ApiParts } from './api-parts.ts';
import { signInFirst } from './identify-caller.ts';

export class ApiCall {
  readonly request: Incoming;
  readonly parts: ApiParts;
  readonly caller: Caller;
  /** Of the answer, such as a cookie. */
  readonly headers: Record<string, string> = {};

  constructor(call: { request: Incoming; parts: ApiParts; caller: Caller }) {
    this.request = call.request;
    this.parts = call.parts;
    this.caller = call.caller;
  }

  get actor(): Actor {
    return actorOf(this.request, this.caller);
  }

  get context(): SignInContext {
    const { address, client, requestId } = this.actor;
    return { address, client, requestId };
  }

  get isNobody(): boolean {
    return this.caller.standing.principal.kind === 'anonymous';
  }

  async may(question: Question): Promise<boolean> {
    const { gate } = this.parts;
    return (await gate.explain(this.request, this.caller, question)).isAllowed;
  }

  /** @throws ErrorWithHeaders UNAUTHORIZED to nobody; RegistryError NOT_FOUND, DENIED with the reason. */
  async need(question: Question): Promise<void> {
    const { gate } = this.parts;
    const verdict = await gate.explain(this.request, this.caller, question);
    if (verdict.isAllowed) return this.#needSecondFactor(question);
    if (this.isNobody) throw signInFirst(new RegistryError('UNAUTHORIZED'));
    const { action, path } = question;
    // What only an administrator sees is not named by a path.
    const isSeen =
      action === 'administer' || path === '' || (await this.may({ action: 'pull', path }));
    const error = isSeen
      ? deniedError(verdict.reason)
      : new RegistryError('NOT_FOUND', `There is no namespace or repository "${path}".`);
    this.#recordRefusal(question, verdict.reason);
    throw error;
  }

  /**
   * Where the setting asks for one, nobody manages anything before they have a second factor. With one on,
   * no password alone comes this far. Who signed in at a provider was proved there.
   */
  async #needSecondFactor(question: Question): Promise<void> {
    const { secondFactorRule: rule, sql } = this.parts;
    const isMeant =
      rule === 'everyone' || (rule === 'administrators' && question.action === 'administer');
    const { principal } = this.caller.standing;
    if (!isMeant || question.action === 'pull' || principal.kind !== 'user') return;
    const user = await readUserSecrets(sql, principal.id);
    if (user === undefined || user.passwordHash === null) return;
    if ((await factorsOf(sql, user)).length > 0) return;
    throw this.refuse(
      question,
      'this registry wants a second factor for that: turn one on with "entrepot account second-factor on"',
    );
  }

  needAdministrator(): Promise<void> {
    return this.need({ action: 'administer', path: '' });
  }

  needManager(path: string): Promise<void> {
    return this.need({ action: 'manage', path });
  }

  /** For what lies below as well, which the scopes of a token need not include. */
  async needManagerBelow(path: string): Promise<void> {
    await this.needManager(path);
    if (isBelowInScope(this.caller.standing, { action: 'manage', path })) return;
    const why = `the scopes of this token do not include what lies below ${path || 'the root'}`;
    throw this.refuse({ action: 'manage', path }, why);
  }

  /** The caller as a person. @throws RegistryError DENIED for robots and pipelines. */
  get user(): { readonly id: number; readonly name: string } {
    const { principal } = this.caller.standing;
    if (principal.kind === 'user') return principal;
    throw new RegistryError(
      'DENIED',
      `Only a user has an account here; you are ${principal.kind} ${principal.name}.`,
    );
  }

  /**
   * For what would outlive the credential that was sent: one with scopes must have the right to manage the
   * user's own namespace in them. @throws RegistryError DENIED
   */
  async needOwnAccount(): Promise<{ readonly id: number; readonly name: string }> {
    const { user } = this;
    const question = { action: 'manage', path: user.name } as const;
    if (await this.may(question)) return user;
    const why = 'the scopes of this token do not let it manage your account';
    throw this.refuse(question, why);
  }

  /**
   * As `needOwnAccount`, for how somebody signs in: whoever finds an access token must not become its
   * owner. @throws RegistryError DENIED
   */
  needPerson(): { readonly id: number; readonly name: string } {
    const { kind } = this.caller.identity.credential;
    if (kind === 'session' || kind === 'password') return this.user;
    throw new RegistryError(
      'DENIED',
      'An access token may not change how you sign in. Sign in with your password, or at the page.',
    );
  }

  /** @returns the error DENIED; it is on record. */
  refuse(question: Question, why: string): RegistryError {
    this.#recordRefusal(question, why);
    return deniedError(why);
  }

  #recordRefusal({ action, path }: Question, why: string): void {
    this.parts.refused({
      actor: this.actor,
      action: `api.${action}`,
      target: path || 'the root',
      outcome: 'refused',
      detail: { why, credential: credentialKey(this.caller.identity.credential) },
    });
  }
}
