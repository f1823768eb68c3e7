// The settings of signing in with accounts of elsewhere: `oidc`, a list of providers, and `ldap`, one
// directory. In the file they have keys of their own; a variable holds the same as JSON. Secrets may
// stand in files; configuration.ts reads those.
import { FilterParser } from 'ldapts';
import { z } from 'zod';
import { teamRuleProblem } from '../access/sign-in/groups.ts';
import { textOf } from './setting-text.ts';
import { parseLdapUrl, parseProviderUrl, SettingProblem } from './setting-values.ts';

const text = z.string({ error: 'It must be text.' }).min(1, 'It must not be empty.');
const flag = z.boolean({ error: 'It must be true or false.' });

/** Of the file as it is; of a variable as JSON. */
function orJson<T extends z.ZodType>(type: T) {
  const json = z.string().transform((value, context): unknown => {
    try {
      return JSON.parse(value);
    } catch {
      context.addIssue({ code: 'custom', message: 'As text it must be JSON.' });
      return z.NEVER;
    }
  });
  return z.union([json.pipe(type), type]);
}

const name = text.regex(
  /^[a-z0-9]+(-[a-z0-9]+)*$/,
  'A name has lower-case letters and digits, joined by -: it stands in addresses.',
);

const teamRule = z.strictObject({ group: text, team: text }).superRefine((rule, context) => {
  const problem = teamRuleProblem(rule);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

/** The same for every kind of provider. */
const entry = {
  teams: z.array(teamRule).default([]),
  'allow-sign-up': flag.default(false),
  'link-by-email': flag.default(false),
  'email-domains': z.array(text.toLowerCase()).default([]),
};

function notBoth(value: object, [one, other]: readonly [string, string], context: z.RefinementCtx) {
  if (Object.hasOwn(value, one) && Object.hasOwn(value, other)) {
    const message = `Set ${one} or ${other}, not both.`;
    context.addIssue({ code: 'custom', path: [other], message });
  }
}

const claims = {
  name: text.default('preferred_username'),
  email: text.default('email'),
  'display-name': text.default('name'),
  groups: text.default('groups'),
};

const provider = z
  .strictObject({
    name,
    label: text.optional(),
    issuer: textOf(parseProviderUrl, text),
    'client-id': text,
    'client-secret': text.optional(),
    'client-secret-file': text.optional(),
    scopes: z.array(text).default(['profile', 'email']),
    claims: z.strictObject(claims).prefault({}),
    offline: flag.default(false),
    ...entry,
  })
  .superRefine((value, context) =>
    notBoth(value, ['client-secret', 'client-secret-file'], context),
  );

export const oidcSetting = orJson(
  z
    .array(provider)
    .max(20, 'There may be 20 providers.')
    .superRefine((providers, context) => {
      const names = providers.map((one) => one.name);
      const twice = names.find((one, index) => names.indexOf(one) !== index);
      if (twice === undefined) return;
      context.addIssue({ code: 'custom', message: `Two providers are named "${twice}".` });
    }),
);

function filter(placeholders: readonly string[]) {
  return textOf((value) => {
    const sample = placeholders.reduce((done, one) => done.replaceAll(one, 'x'), value);
    try {
      FilterParser.parseString(sample);
    } catch {
      throw new SettingProblem(
        `"${value}" is not a filter of LDAP: write one such as (uid={name}).`,
      );
    }
    if (sample === value) {
      throw new SettingProblem(`The filter must hold ${placeholders.join(' or ')}.`);
    }
    return value;
  }, text);
}

const attributes = {
  id: text.optional(),
  name: text.default('uid'),
  email: text.default('mail'),
  'display-name': text.default('cn'),
};

export const ldapSetting = orJson(
  z
    .strictObject({
      url: textOf(parseLdapUrl, text),
      'start-tls': flag.optional(),
      'ca-file': text.optional(),
      'bind-dn': text.optional(),
      'bind-password': text.optional(),
      'bind-password-file': text.optional(),
      base: text,
      filter: filter(['{name}']).prefault('(uid={name})'),
      attributes: z.strictObject(attributes).prefault({}),
      groups: z
        .strictObject({ base: text, filter: filter(['{dn}', '{name}']).prefault('(member={dn})') })
        .optional(),
      ...entry,
    })
    .superRefine((value, context) => {
      notBoth(value, ['bind-password', 'bind-password-file'], context);
      const hasPassword = 'bind-password' in value || 'bind-password-file' in value;
      if (hasPassword === 'bind-dn' in value) return;
      const message = 'bind-dn needs bind-password or bind-password-file, and they need bind-dn.';
      context.addIssue({ code: 'custom', message });
    }),
);

export type OidcSetting = z.output<typeof oidcSetting>;
export type LdapSetting = z.output<typeof ldapSetting>;

/** For hints at misspelt keys. */
export const SIGN_IN_KEYS: readonly string[] = [
  ...Object.keys(provider.shape),
  ...Object.keys(claims),
  ...Object.keys(attributes),
  'url start-tls ca-file bind-dn bind-password bind-password-file base filter attributes'.split(
    ' ',
  ),
  ['group', 'team'],
].flat();
