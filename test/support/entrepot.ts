// A registry in this process, on a free port, with its data in a temporary folder.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ComposeLog, compose, type Program } from '../../src/app/compose.ts';
import type { DatabaseSettings } from '../../src/app/database.ts';
import type { AccessLine } from '../../src/http/answer.ts';
import { startHost } from '../../src/http/host.ts';
import type { MissingParts } from '../../src/registry/put-manifest.command.ts';

export interface TestRegistryOptions {
  readonly missingParts?: MissingParts;
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
  /** What was logged as a fault of the registry: empty at the end of a good test. */
  readonly faults: unknown[];
  readonly accessLines: AccessLine[];
  stop(): Promise<void>;
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
    pathPrefix: '',
    version: '0.2.0',
    log,
    failed: (error) => void faults.push(error),
  });
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
    faults,
    accessLines,
    async stop() {
      await host.stop(1_000);
      await program.close();
      if (options.directory === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
}
