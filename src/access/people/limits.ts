// Limits of what people can write about access, each with its unit and its reason.

export const ACCESS_LIMITS = {
  /** Characters of a user's, organisation's, team's, robot's, role's or policy's name: it stands in lists and names. */
  nameLength: 64,
  /** Characters of a display name or a token's name. */
  displayNameLength: 128,
  /** Characters of a description. */
  descriptionLength: 512,
  /** RFC 5321: the longest path of an address. */
  emailLength: 254,
  /** Tag patterns of one grant: each is tried for each tag. */
  tagPatterns: 20,
  /** Characters of a tag pattern: as long as a tag. */
  tagPatternLength: 128,
  /** Scopes of one token, and names of one scope: read with each verdict. */
  scopes: 50,
  scopeNames: 50,
  /** Of all names of a token or a trust policy, those with wildcards inside: some 0.2 ms of CPU each, at worst. */
  costlyPatterns: 20,
  /** Custom roles of the registry: they are listed as a whole. */
  roles: 200,
  /** Trust policies in force of one path: each is tried for each token of its issuer that names none. */
  trustPolicies: 50,
  /** The same of a top-level namespace with all below it: nobody's shall crowd out those of others. */
  trustPoliciesWithin: 500,
  /** Tokens of one owner that work at a time: beyond it somebody makes them in a loop. */
  liveTokens: 500,
  /** Refresh tokens of a user: some clients ask for one each time; the oldest end. */
  refreshTokens: 200,
} as const;
