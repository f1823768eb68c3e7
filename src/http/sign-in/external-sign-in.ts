// What the HTTP layer asks of providers and directories, see access/sign-in/external-accounts.ts; joined
// in app/external-sign-in.ts.
import type { EnteredAccount } from '../../access/sign-in/external-accounts.ts';
import type { BegunSignIn } from '../../access/sign-in/oidc.ts';
import type { Actor } from '../../metadata/audit.ts';

export interface ExternalSignIn {
  /** For the buttons of a sign-in page. */
  readonly providers: readonly { readonly name: string; readonly label: string }[];
  readonly hasDirectory: boolean;
  /** @throws RegistryError NOT_FOUND, UNAVAILABLE */
  begin(
    provider: string,
    wish: {
      readonly redirectUri: string;
      readonly returnTo?: string | undefined;
      readonly linkTo?: number | undefined;
    },
  ): Promise<BegunSignIn>;
  /** @throws RegistryError NOT_FOUND, REQUEST_INVALID, UNAUTHORIZED, DENIED, CONFLICT, UNAVAILABLE */
  finish(
    provider: string,
    answer: {
      readonly query: string;
      readonly state: string | undefined;
      readonly signedIn: number | undefined;
      readonly actor: Actor;
    },
  ): Promise<EnteredAccount & { readonly returnTo: string; readonly isLink: boolean }>;
  /**
   * Asks a user's providers for their groups, at most once a minute. `method`: how they signed in; '' for a
   * refresh token. @returns false when the provider they signed in at no longer stands by them.
   */
  stillStands(of: { user: number; method: string; actor: Actor }): Promise<boolean>;
}
