// Who is asking, and by what they proved it.

export type Principal =
  /** Nobody in particular. */
  | { readonly kind: 'anonymous'; readonly name: 'anonymous' }
  | { readonly kind: 'user'; readonly id: number; readonly name: string }
  /** `name` with its path: `team/backend:deployer`. */
  | { readonly kind: 'robot'; readonly id: number; readonly name: string }
  /** A pipeline; `id` is the trust policy that vouches for it, `name` who it said it was. */
  | { readonly kind: 'workload'; readonly id: number; readonly name: string };

export const ANONYMOUS: Principal = { kind: 'anonymous', name: 'anonymous' };

/** What a principal is identified by; a bearer token made from it dies with it. */
export type Credential =
  | { readonly kind: 'none' }
  | { readonly kind: 'password' }
  | { readonly kind: 'access-token'; readonly id: number }
  | { readonly kind: 'refresh-token'; readonly id: number }
  | { readonly kind: 'session'; readonly id: number };

/** The user name beside an identity token that is a password: `docker login -u oidc --password-stdin`. */
export const WORKLOAD_USER = 'oidc';

export const NO_CREDENTIAL: Credential = { kind: 'none' };

/** As it stands in bearer tokens, logs and the audit log: `user:12`, `anonymous`. */
export function principalKey(principal: Principal): string {
  return principal.kind === 'anonymous' ? 'anonymous' : `${principal.kind}:${principal.id}`;
}

/** `access-token:34`, `password`; '' for none. */
export function credentialKey(credential: Credential): string {
  if (credential.kind === 'none') return '';
  return credential.kind === 'password' ? 'password' : `${credential.kind}:${credential.id}`;
}
