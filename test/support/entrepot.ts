// A registry in this process, on a free port, with its data in a temporary folder.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ComposeLog,
  type ComposeOptions,
  compose,
  type Program,
} from '../../src/app/compose.ts';
import type { DatabaseSettings } from '../../src/app/database.ts';
import type { AccessLine } from '../../src/http/answer.ts';
import { startHost } from '../../src/http/host.ts';
import { SYSTEM } from '../../src/metadata/audit.ts';
import { RegistryError } from '../../src/oci/errors.ts';
import type { MissingParts } from '../../src/registry/put-manifest.command.ts';

export interface TestRegistryOptions {
  /** Default: anyone may do everything but manage, so that a test of the protocol need not sign in. */
  readonly isPrivate?: boolean;
  readonly access?: Partial<AccessSettings>;
  readonly allowedHosts?: readonly string[];
  readonly authorities?: readonly string[];
  readonly auditPulls?: boolean;
  readonly missingParts?: MissingParts;
  /** Bytes a second; default: a pass only when it is asked for. */
  readonly scrubRate?: number;
  /** Default: pushes are taken until the disk of the tests is full. */
  readonly minFreeDisk?: number;
  /** Default: as the program's, and no limit of rows a second. */
  readonly collection?: Partial<ComposeOptions['collection']>;
  /** Default: SQLite in the registry's folder. */
  readonly database?: DatabaseSettings;
  /** An existing folder, to start again on what another registry left; it is not removed at the end. */
  readonly directory?: string;
}

export interface TestRegistry {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  readonly port: number;
  readonly directory: string;
  readonly program: Program;
  /** Of the administrator, when this start made it. */
  readonly firstPassword: string | undefined;
  /** What was logged as a fault of the registry: empty at the end of a good test. */
  readonly faults: unknown[];
  readonly accessLines: AccessLine[];
  stop(): Promise<void>;
}

type AccessSettings = ComposeOptions['access'];

/** Of the user `admin` in every test registry. */
export const ADMIN_PASSWORD = 'only for tests';

const ACCESS: AccessSettings = {
  sealKey: new Uint8Array(32),
  adminPassword: ADMIN_PASSWORD,
  tokenLifetimeSeconds: 300,
  awayMs: 60_000,
  requestLimits: { signedIn: undefined, anonymous: undefined },
  secondFactorRule: 'nobody',
  external: { oidc: [], ldap: undefined },
};

async function openToAll({ commands, access }: Program): Promise<void> {
  const grant = { subject: { kind: 'anyone', id: 0 }, path: '', role: 'maintainer' } as const;
  await commands.run('addGrant', { ...grant, actor: SYSTEM }).catch((error: unknown) => {
    // Started again on what another registry left.
    if (!(error instanceof RegistryError) || error.code !== 'CONFLICT') throw error;
  });
  access.standings.changed();
}

export async function startTestRegistry(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'entrepot-test-'));
  const faults: unknown[] = [];
  const accessLines: AccessLine[] = [];
  const log: ComposeLog = {
    access: (line) => void accessLines.push(line),
    fault: (error) => void faults.push(error),
    jobFailed: (_kind, error) => void faults.push(error),
    warn: (_message, error) => void faults.push(error),
  };
  const program = await compose({
    database: options.database ?? { kind: 'sqlite', path: join(directory, 'entrepot.db') },
    blobDirectory: directory,
    missingParts: options.missingParts ?? 'refuse',
    uploadAgeMs: 24 * 60 * 60 * 1000,
    scrubRate: options.scrubRate ?? 0,
    minFreeDisk: options.minFreeDisk ?? 0,
    collection: { graceMs: 86_400_000, rowsPerSecond: 0, trashShare: 0, ...options.collection },
    historyAgeMs: 0,
    access: { ...ACCESS, ...options.access },
    allowedHosts: options.allowedHosts ?? [],
    authorities: options.authorities ?? [],
    auditRetentionMs: 0,
    auditPulls: options.auditPulls ?? false,
    pathPrefix: '',
    version: '0.3.0',
    log,
    failed: (error) => void faults.push(error),
  });
  const firstPassword = await program.access.ensureAdministrator().catch(async (error) => {
    await program.close();
    throw error;
  });
  if (options.isPrivate !== true) await openToAll(program);
  const host = startHost({
    hostname: '127.0.0.1',
    port: 0,
    certificate: undefined,
    trusted: () => false,
    answer: program.answer,
  });
  return {
    url: `http://127.0.0.1:${host.port}`,
    port: host.port,
    directory,
    program,
    firstPassword,
    faults,
    accessLines,
    async stop() {
      await host.stop(1_000);
      await program.close();
      if (options.directory === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
}
