// Which user an account at a provider is: found, linked or made, with the teams that its groups say, in one
// transaction. That the account is theirs was proved before; here it is decided whether they come in.
import { changeAccess, lockAccess } from '../../metadata/access-facts.ts';
import { type Actor, recordAct } from '../../metadata/audit.ts';
import { synced } from '../../metadata/command.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { replaceTeamsOf } from '../../metadata/teams.ts';
import {
  deleteIdentity,
  type IdentifiedUser,
  type IdentityKey,
  insertIdentity,
  lockIdentifiedUser,
  setRefreshToken,
  takeRefresh,
} from '../../metadata/user-identities.ts';
import { raiseUserEpoch } from '../../metadata/users.ts';
import { RegistryError } from '../../oci/errors.ts';
import {
  domainOf,
  type EntryRules,
  type ExternalAccount,
  providerTitle,
} from './external-account.ts';
import { userForNewAccount } from './external-account-user.ts';

/** What a sign-in makes a session of. */
export interface EnteredUser {
  readonly id: number;
  readonly name: string;
  readonly epoch: number;
}

export interface Entry {
  readonly account: ExternalAccount;
  readonly rules: EntryRules;
  /** Sealed; null when the provider gave none. */
  readonly refreshToken: string | null;
  /** The signed-in user who asked for it: not a sign-in, but a link. */
  readonly linkTo: number | null;
  readonly actor: Actor;
}

export function externalAccountCommands() {
  return {
    /** @throws RegistryError DENIED, CONFLICT */
    enterExternalAccount: synced(async (tx: Transaction, entry: Entry): Promise<EnteredUser> => {
      const { account, refreshToken, actor } = entry;
      refuseForeignDomain(entry);
      const known = await lockIdentifiedUser(tx, account);
      const user = known ?? (await linkNew(tx, entry));
      if (entry.linkTo !== null && user.id !== entry.linkTo) throw takenByOther(account);
      if (user.state !== 'active') {
        throw new RegistryError(
          'DENIED',
          `The account ${user.name} is ${user.state}. Ask an administrator.`,
        );
      }
      await followGroups(tx, { ...account, user, actor });
      const { provider, subject } = account;
      await setRefreshToken(tx, { provider, subject, token: refreshToken });
      return { id: user.id, name: user.name, epoch: user.epoch };
    }),

    /** Whether the caller may ask the provider for an account's groups now. */
    takeExternalRefresh: synced((tx: Transaction, take: IdentityKey & { restMs: number }) =>
      takeRefresh(tx, take),
    ),

    /** What the provider said of an account between two sign-ins; `teams` null: nothing of them. */
    refreshExternalAccount: synced(
      async (
        tx: Transaction,
        fresh: IdentityKey & {
          readonly teams: readonly string[] | null;
          readonly refreshToken: string | null;
          readonly actor: Actor;
        },
      ): Promise<void> => {
        const user = await lockIdentifiedUser(tx, fresh);
        if (user === undefined) return;
        const { provider, subject, teams, refreshToken, actor } = fresh;
        if (teams !== null) await followGroups(tx, { provider, teams, user, actor });
        await setRefreshToken(tx, { provider, subject, token: refreshToken });
      },
    ),

    /** The account is the user's no more: what they signed in with ends, and so do its teams. */
    unlinkExternalAccount: synced(
      async (
        tx: Transaction,
        { actor, ...unlink }: IdentityKey & { readonly user: number; readonly actor: Actor },
      ): Promise<void> => {
        const { provider } = unlink;
        const user = await lockIdentifiedUser(tx, unlink);
        if (user?.id !== unlink.user || !(await deleteIdentity(tx, unlink))) {
          throw new RegistryError('NOT_FOUND', 'This user has no such account.');
        }
        await followGroups(tx, { provider, teams: [], user, actor });
        await raiseUserEpoch(tx, user.id);
        await changeAccess(tx);
        const target = `user ${user.name}`;
        await recordAct(tx, { actor, action: 'identity.unlink', target, detail: { provider } });
      },
    ),
  };
}

export type ExternalAccountCommands = ReturnType<typeof externalAccountCommands>;

/** For an account that is nobody's yet. */
async function linkNew(tx: Transaction, entry: Entry): Promise<IdentifiedUser> {
  const { account, actor } = entry;
  const { provider, subject } = account;
  // Two first sign-ins of one person at once: the second one finds what the first one made.
  await lockAccess(tx);
  const known = await lockIdentifiedUser(tx, account);
  if (known !== undefined) return known;
  const user = await userForNewAccount(tx, entry);
  await insertIdentity(tx, { provider, subject, user: user.id });
  const target = `user ${user.name}`;
  await recordAct(tx, { actor, action: 'identity.link', target, detail: { provider, subject } });
  return user;
}

function refuseForeignDomain({ account, rules }: Entry): void {
  if (rules.emailDomains.length === 0) return;
  const { email, isEmailVerified } = account;
  const isWelcome =
    email !== undefined && isEmailVerified && rules.emailDomains.includes(domainOf(email));
  if (isWelcome) return;
  throw new RegistryError(
    'DENIED',
    `Only accounts with a verified e-mail of ${rules.emailDomains.join(', ')} may sign in here by ${providerTitle(account.provider)}.`,
  );
}

function takenByOther({ provider }: ExternalAccount): RegistryError {
  const message = `This account at ${providerTitle(provider)} belongs to another user here. Unlink it there first.`;
  return new RegistryError('CONFLICT', message);
}

async function followGroups(
  tx: Transaction,
  said: {
    readonly provider: string;
    readonly teams: readonly string[];
    readonly user: IdentifiedUser;
    readonly actor: Actor;
  },
): Promise<void> {
  const { provider, teams, user, actor } = said;
  const { added, removed } = await replaceTeamsOf(tx, { user: user.id, source: provider, teams });
  if (added.length === 0 && removed.length === 0) return;
  await changeAccess(tx);
  const detail = { provider, added, removed };
  await recordAct(tx, { actor, action: 'team.follow-groups', target: `user ${user.name}`, detail });
}
