// What each client prints when the registry refuses it: most repeat the registry's sentence, some keep it
// to themselves. A line here that no longer holds is news to tell to users. Knows no command.
import type { ClientName } from './client-names.ts';

export type Words = Readonly<{
  wrongPassword: RegExp;
  /** The password is right and is not enough. */
  secondFactor: RegExp;
  /** The token is no longer good. */
  revoked: RegExp;
  /** A repository for which nobody has signed in. */
  signInFirst: RegExp;
  /** Signed in, and without the right to push. */
  mayNotPush: RegExp;
  /** Signed in, and without the right to know of it. */
  unknown: RegExp;
  /** A genuine identity token that no trust policy fits. */
  untrusted: RegExp;
}>;

const MAY_NOT = /You may not do that: (no grant gives|the trust policy)/;
const NO_REPOSITORY = /There is no repository/;
const NOT_FOUND = /not found/;

/** They repeat what the registry says. */
const TELLING: Words = {
  wrongPassword: /The user name or the password is wrong/,
  secondFactor: /second factor, .* Use an access token as the password/,
  revoked: /This access token was revoked/,
  signInFirst: /Sign in to pull from [a-z/]+, with an account or a token that may/,
  mayNotPush: MAY_NOT,
  unknown: NO_REPOSITORY,
  untrusted: /fits no trust policy\. .*project_path is other\/app, the policy wants group\/\*/,
};

/** podman, buildah and skopeo say it only later: see `filledHome` in access.test.ts. */
const MUTE_AT_LOGIN: Words = {
  ...TELLING,
  wrongPassword: /invalid username\/password/,
  secondFactor: /invalid username\/password/,
  untrusted: /invalid username\/password/,
};

const UNAUTHORIZED = /unauthorized/i;

/** Of a 401 they show the number alone. */
const MUTE_OF_401: Words = {
  ...TELLING,
  wrongPassword: UNAUTHORIZED,
  secondFactor: UNAUTHORIZED,
  revoked: UNAUTHORIZED,
  signInFirst: UNAUTHORIZED,
  untrusted: UNAUTHORIZED,
};

export const WORDS: Readonly<Record<ClientName, Words>> = {
  docker: { ...TELLING, signInFirst: /pull access denied .* may require 'docker login'/ },
  ctr: {
    ...MUTE_OF_401,
    signInFirst: /pull access denied, repository does not exist or may require authorization/,
    mayNotPush: /403 Forbidden/,
    unknown: NOT_FOUND,
  },
  podman: MUTE_AT_LOGIN,
  buildah: MUTE_AT_LOGIN,
  skopeo: MUTE_AT_LOGIN,
  crane: TELLING,
  regctl: MUTE_OF_401,
  oras: { ...TELLING, unknown: NOT_FOUND },
  cosign: TELLING,
  helm: { ...TELLING, unknown: NOT_FOUND },
};
