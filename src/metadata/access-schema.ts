// The tables of access control, as types; `migrations/0002-access.ts` makes them. As in schema.ts: ids
// are whole numbers, flags 0 or 1, times milliseconds since 1970. Secrets are here as hashes (SHA-256 of
// what is random, sealed argon2id of what people choose) or sealed (`access/seal.ts`), never as they are.
import type { Generated } from 'kysely';

export interface AccessSchema {
  access_state: AccessStateTable;
  users: UserTable;
  user_identities: UserIdentityTable;
  recovery_codes: RecoveryCodeTable;
  passkeys: PasskeyTable;
  invitations: InvitationTable;
  organisations: OrganisationTable;
  organisation_members: OrganisationMemberTable;
  teams: TeamTable;
  team_members: TeamMemberTable;
  robots: RobotTable;
  roles: RoleTable;
  grants: GrantTable;
  path_settings: PathSettingTable;
  trust_policies: TrustPolicyTable;
  access_tokens: AccessTokenTable;
  refresh_tokens: RefreshTokenTable;
  sessions: SessionTable;
  signing_keys: SigningKeyTable;
  audit_events: AuditEventTable;
  audit_chain: AuditChainTable;
}

/** One row. `revision` rises in the transaction of every change that a verdict can depend on. */
interface AccessStateTable {
  id: number;
  revision: number;
  /** Random, made with the tables: whom bearer tokens are for. */
  service_id: string;
}

export type AccountState = 'active' | 'disabled' | 'deleted';

interface UserTable {
  id: Generated<number>;
  /** Lower case, one part of a repository name: the user owns the namespace of it. */
  name: string;
  display_name: string;
  email: string | null;
  /** 1: only its user says so; it stands for nobody. */
  email_unchecked: Generated<number>;
  /** argon2id, sealed; null = signs in by other means only. */
  password_hash: string | null;
  /** Rises with each change that must end what was signed in before: password, disabled, second factor. */
  epoch: number;
  state: AccountState;
  /** Sealed; null = no authenticator app. */
  totp_secret: string | null;
  /** 1 once a first code proved that the app has the secret. */
  totp_confirmed: number;
  /** The last time step that was used: a code works once. */
  totp_step: number;
  created_at: number;
  last_seen_at: number | null;
}

/** An account at another provider (`oidc:NAME`, `ldap`) that is this user. */
interface UserIdentityTable {
  provider: string;
  subject: string;
  user_id: number;
  created_at: number;
  /** Sealed, when the provider gave one; '' once it refused it: what was signed in with it has ended. */
  refresh_token: string | null;
  /** When the provider was last asked, so that two nodes do not use one token at once. */
  refreshed_at: number;
}

interface RecoveryCodeTable {
  user_id: number;
  hash: Uint8Array;
  used_at: number | null;
}

interface PasskeyTable {
  id: Generated<number>;
  user_id: number;
  credential_id: Uint8Array;
  public_key: Uint8Array;
  counter: number;
  /** JSON array, as the browser named them. */
  transports: string;
  name: string;
  created_at: number;
  last_used_at: number | null;
}

interface InvitationTable {
  id: Generated<number>;
  hash: Uint8Array;
  email: string | null;
  /** Whom the new user joins; null = nobody. */
  organisation_id: number | null;
  created_by: string;
  created_at: number;
  expires_at: number;
  used_at: number | null;
}

interface OrganisationTable {
  id: Generated<number>;
  /** Owns the top-level namespace of this name. Names of users and organisations are one set. */
  name: string;
  display_name: string;
  created_at: number;
}

interface OrganisationMemberTable {
  organisation_id: number;
  user_id: number;
  /** 1: owns the organisation's namespace. */
  is_owner: number;
  created_at: number;
}

interface TeamTable {
  id: Generated<number>;
  organisation_id: number;
  name: string;
  created_at: number;
}

interface TeamMemberTable {
  team_id: number;
  user_id: number;
  /** `manual`, or the provider that put the user here and may take them away again. */
  source: string;
  created_at: number;
}

/** Signs in with access tokens only. */
interface RobotTable {
  id: Generated<number>;
  /** The namespace or repository that it belongs to. */
  path: string;
  name: string;
  description: string;
  epoch: number;
  state: AccountState;
  expires_at: number | null;
  created_by: string;
  created_at: number;
  last_seen_at: number | null;
}

/** A set of actions with a name of its own, besides the built-in roles. */
interface RoleTable {
  id: Generated<number>;
  name: string;
  /** JSON array of actions. */
  actions: string;
  created_at: number;
}

export type SubjectKind = 'user' | 'team' | 'robot' | 'organisation' | 'signed-in' | 'anyone';

interface GrantTable {
  id: Generated<number>;
  subject_kind: SubjectKind;
  /** 0 for `signed-in` and `anyone`, so that a grant can be unique. */
  subject_id: number;
  /** A namespace or repository, '' for the root; it need not exist yet. */
  path: string;
  /** Name of a built-in or custom role. */
  role: string;
  /** JSON array of tag patterns; null = all tags. */
  tags: string | null;
  /** JSON, see access/condition.ts; null = always and from anywhere. */
  condition: string | null;
  created_by: string;
  created_at: number;
}

export type Visibility = 'private' | 'internal' | 'public';

/** A setting holds on its path and below it, and the nearest one wins. */
interface PathSettingTable {
  path: string;
  visibility: Visibility | null;
  /** `push`: pushing makes a repository. `explicit`: it must be made first. */
  creation: 'push' | 'explicit' | null;
}

interface TrustPolicyTable {
  id: Generated<number>;
  /** The namespace whose owner made it, '' for the administrator's. It gives rights below it only. */
  path: string;
  name: string;
  issuer: string;
  audience: string;
  /** JSON: claim to pattern. */
  conditions: string;
  /** JSON array of {actions, names}; names may have templates such as `team-a/{project_path}`. */
  grants: string;
  lifetime_ms: number;
  epoch: number;
  state: AccountState;
  created_by: string;
  created_at: number;
  last_used_at: number | null;
}

export type TokenOwnerKind = 'user' | 'robot' | 'workload';

interface AccessTokenTable {
  id: Generated<number>;
  owner_kind: TokenOwnerKind;
  /** A user, a robot, or the trust policy of a workload. */
  owner_id: number;
  /** Its policy's epoch when it was made, of a workload; null = it lives on when its owner's epoch rises. */
  owner_epoch: number | null;
  /** What its owner calls it; of a workload, who it says it is. */
  name: string;
  /** SHA-256 of the secret; of a workload that signs in directly, of its own JWT. */
  hash: Uint8Array;
  /** The last characters of the secret, for a person to tell tokens apart. */
  hint: string;
  /** JSON array of {actions, names}; null = everything that its owner may. */
  scopes: string | null;
  condition: string | null;
  /** Of a workload: JSON of the claims that its policy looked at, and who it is for a person. */
  claims: string | null;
  created_at: number;
  expires_at: number | null;
  revoked_at: number | null;
  /** After a rotation the token of before works until then (its expires_at), and is named here. */
  replaces_id: number | null;
  last_used_at: number | null;
  last_used_from: string | null;
  last_used_by: string | null;
  uses: number;
}

/** Of one sign-in of an OAuth2 client; each use replaces the secret. */
interface RefreshTokenTable {
  id: Generated<number>;
  user_id: number;
  user_epoch: number;
  /** The access token that it was asked for with; null = the password. */
  access_token_id: number | null;
  hash: Uint8Array;
  /** The one before: seen again, it was stolen, and the whole row is revoked. */
  previous_hash: Uint8Array | null;
  client: string;
  created_at: number;
  rotated_at: number;
  expires_at: number;
  revoked_at: number | null;
}

interface SessionTable {
  id: Generated<number>;
  user_id: number;
  user_epoch: number;
  hash: Uint8Array;
  /** How: `password`, `password+totp`, `passkey`, `oidc:NAME`, `ldap`. */
  method: string;
  address: string;
  client: string;
  created_at: number;
  seen_at: number;
  expires_at: number;
  revoked_at: number | null;
}

interface SigningKeyTable {
  id: Generated<number>;
  /** RFC 7638 thumbprint. */
  kid: string;
  /** Sealed PKCS #8 (PEM). */
  private_key: string;
  /** JSON: the public JWK. */
  public_key: string;
  created_at: number;
  /** Signs no more; verifies until nothing that it signed is valid. */
  retired_at: number | null;
}

export type Outcome = 'done' | 'refused' | 'failed';

/** Append-only. `sequence` and `hash` are null until the sealer reaches the row. */
interface AuditEventTable {
  id: Generated<number>;
  sequence: number | null;
  hash: Uint8Array | null;
  at: number;
  /** Name of the principal as it was then. */
  actor: string;
  /** Such as `user:12`, `robot:3`, `workload:7`, `anonymous`, `system`. */
  principal: string;
  /** Such as `token:34`, `password`, `session:5`; '' for none. */
  credential: string;
  action: string;
  /** What it was done to: a repository with tag or digest, a user, a grant. */
  target: string;
  outcome: Outcome;
  address: string;
  client: string;
  request_id: string;
  /** JSON. */
  detail: string;
}

/** One row: the end of the chain, and the anchor that pruning leaves. */
interface AuditChainTable {
  id: number;
  /** Number and hash of the last sealed event. */
  sequence: number;
  hash: Uint8Array;
  /** Number and hash of the last event that was pruned; 0 and 32 zero bytes when none was. */
  pruned_sequence: number;
  pruned_hash: Uint8Array;
}
