// Starts and stops the server.
import { mkdirSync } from 'node:fs';
import { addressSet } from '../access/address-set.ts';
import type { AnswerParts } from '../http/answer.ts';
import { type Host, startHost } from '../http/host.ts';
import { checkListening, showAddress } from './check-listening.ts';
import { compose } from './compose.ts';
import type { Configuration } from './configuration.ts';
import { openLog } from './log.ts';
import { readSealKey } from './seal-key.ts';
import { openCertificate } from './serving-certificate.ts';
import type { ListenAddress } from './setting-values.ts';
import { programVersion } from './version.ts';

export interface RunningServer {
  /** What clients use: as configured, else the address listened on. */
  readonly url: string;
  /** The administrator's password, when this start made it: it is nowhere else. */
  readonly firstPassword: string | undefined;
  /** Ends running requests in peace, then the rest. */
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Nothing can be written any more: end the process. */
  failed?(error: Error): void;
}

/** Milliseconds that running requests get to end: a large layer on a slow line resumes elsewhere. */
const GRACE_MS = 30_000;

/** @throws Error with a sentence for a person when it cannot start. */
export async function startServer(
  configuration: Configuration,
  options: StartOptions = {},
): Promise<RunningServer> {
  const refusal = checkListening(configuration);
  if (refusal !== undefined) throw new Error(refusal);
  makeDataDirectory(configuration.data);
  const certificate = await openCertificate(configuration);
  const log = openLog(configuration.log);
  const program = await compose({
    database: configuration.database,
    blobDirectory: configuration.blobs.path,
    missingParts: configuration.missingParts,
    uploadAgeMs: configuration.uploadAgeMs,
    scrubRate: configuration.scrubRate,
    minFreeDisk: configuration.minFreeDisk,
    collection: {
      graceMs: configuration.collectionGraceMs,
      rowsPerSecond: configuration.collectRate,
      trashShare: configuration.trashShare,
    },
    historyAgeMs: configuration.historyEventsDays * 24 * 60 * 60 * 1000,
    access: {
      sealKey: readSealKey(configuration),
      adminPassword: configuration.adminPassword,
      tokenLifetimeSeconds: configuration.tokenLifetimeMs / 1000,
      awayMs: configuration.accessGraceMs,
      sessions: configuration.sessions,
      requestLimits: configuration.requestLimits,
      secondFactorRule: configuration.secondFactorRule,
      external: { oidc: configuration.oidc, ldap: configuration.ldap },
    },
    allowedHosts: configuration.allowedHosts,
    authorities: configuration.authorities?.certificates ?? [],
    auditRetentionMs: configuration.auditRetentionMs,
    auditPulls: configuration.auditPulls,
    metricsToken: configuration.metricsToken,
    pathPrefix: configuration.pathPrefix,
    version: programVersion(),
    log,
    failed: (error) => {
      log.warn('nothing can be written any more', error);
      log.flush();
      options.failed?.(error);
    },
  });
  let host: Host | undefined;
  let operators: Host | undefined;
  let firstPassword: string | undefined;
  // A client that comes while the first administrator is being made would be told that nobody is called so.
  const isReady = Promise.withResolvers<void>();
  try {
    host = startHost({
      hostname: configuration.listen.host,
      port: configuration.listen.port,
      certificate: certificate.pair,
      trusted: addressSet(configuration.trustedProxies),
      answer: program.answer,
      url: configuration.url,
      answersAfter: isReady.promise,
    });
    operators = startOperators(configuration, program.answer);
    if (operators !== undefined && configuration.metricsListen !== undefined) {
      const at = showAddress({ host: configuration.metricsListen.host, port: operators.port });
      log.info(`health and metrics are open at http://${at}`);
    }
    firstPassword = await program.access.ensureAdministrator();
    isReady.resolve();
  } catch (error) {
    isReady.resolve();
    await Promise.all([host?.stop(0), operators?.stop(0)]);
    await program.close();
    throw host === undefined ? listenError(configuration.listen, error) : error;
  }
  const served = host;
  certificate.watch({
    changed: (pair) => {
      served.renewCertificate(pair);
      log.info('the certificate was renewed');
    },
    refused: (reason) => log.warn(reason, undefined),
  });
  const scheme = configuration.tls.kind === 'off' ? 'http' : 'https';
  const address = showAddress({ host: configuration.listen.host, port: served.port });
  return {
    url: configuration.url ?? `${scheme}://${address}`,
    firstPassword,
    async stop() {
      certificate.stop();
      program.drain();
      await Promise.all([served.stop(GRACE_MS), operators?.stop(GRACE_MS)]);
      await program.close();
      log.flush();
    },
  };
}

function makeDataDirectory(path: string): void {
  try {
    // Nobody else on this machine has any business in there.
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `The data directory ${path} cannot be made: ${reason}. Choose another with --data.`,
      { cause: error },
    );
  }
}

/** Health and metrics on an address of their own, where nobody need sign in for them. */
function startOperators({ metricsListen }: Configuration, answer: AnswerParts): Host | undefined {
  if (metricsListen === undefined) return undefined;
  const operate = { ...answer.operate, admitToMetrics: async () => {} };
  try {
    return startHost({
      hostname: metricsListen.host,
      port: metricsListen.port,
      certificate: undefined,
      trusted: () => false,
      answer: { ...answer, operate, pathPrefix: '', isForOperators: true },
    });
  } catch (error) {
    throw listenError(metricsListen, error);
  }
}

function listenError(listen: ListenAddress, error: unknown): Error {
  const address = showAddress(listen);
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') {
    return new Error(
      `Something else listens on ${address} already. Stop it, or choose another port with --listen.`,
      { cause: error },
    );
  }
  return new Error(
    `Cannot listen on ${address}: ${error instanceof Error ? error.message : error}`,
    {
      cause: error,
    },
  );
}
