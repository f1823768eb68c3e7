// What the management API works with, joined in app/compose-access.ts.
import type { AccessCommands } from '../../access/commands.ts';
import type { SignInParts } from '../../access/sign-in/prove-password.ts';
import type { Sessions } from '../../access/sign-in/session.ts';
import type { Standings } from '../../access/standing.ts';
import type { LifecycleCommands } from '../../lifecycle/commands.ts';
import type { LifecycleReports } from '../../lifecycle/reports.ts';
import type { Act } from '../../metadata/audit.ts';
import type { Commands } from '../../metadata/command.ts';
import type { Reports } from '../../metadata/report.ts';
import type { Sql } from '../../metadata/sql.ts';
import type { RegistryCommands } from '../../registry/commands.ts';
import type { PullParts } from '../../registry/pull.ts';
import type { Gate } from '../access/gate.ts';
import type { ExternalSessions } from '../sign-in/external-sessions.ts';
import type { ExternalSignIn } from '../sign-in/external-sign-in.ts';

/** Who must have a second factor to manage anything: for what administrators may, or for all of it. */
export type SecondFactorRule = 'nobody' | 'administrators' | 'everyone';

export interface ApiParts {
  readonly sql: Sql;
  readonly commands: Commands<AccessCommands & LifecycleCommands & RegistryCommands>;
  /** Long reads, in a thread of their own. */
  readonly reports: Reports<LifecycleReports>;
  /** For what is shown of manifests and configurations. */
  readonly pull: PullParts;
  readonly gate: Gate;
  readonly standings: Standings;
  readonly sessions: Sessions;
  readonly signIn: SignInParts;
  readonly external: ExternalSignIn;
  readonly externalSessions: ExternalSessions;
  /** Before `/api`: '' or such as `/registry`. */
  readonly pathPrefix: string;
  readonly secondFactorRule: SecondFactorRule;
  readonly version: string;
  /** Whether the administrator allows issuers of trust policies on that host without TLS. */
  isPlainAllowed(host: string): boolean;
  /** Somebody known was refused. */
  refused(act: Act): void;
  now(): number;
}
