// A second listener on a running registry, with some of its parts exchanged: a clock, a limit, a proxy.
import type { AnswerParts } from '../../src/http/answer.ts';
import { startHost } from '../../src/http/host.ts';
import type { Timer } from '../../src/http/request-body.ts';
import { LiveUploads } from '../../src/registry/live-uploads.ts';
import type { TestRegistry } from '../support/entrepot.ts';

export interface Alteration {
  readonly timer?: Timer;
  /** Bodies received at once. */
  readonly concurrentUploads?: number;
  readonly answer?: Partial<AnswerParts>;
  trusted?(address: string): boolean;
}

export function startAlteredHost(registry: TestRegistry, alteration: Alteration) {
  const { answer } = registry.program;
  const { concurrentUploads, timer } = alteration;
  const live =
    concurrentUploads === undefined ? answer.v2.upload.live : new LiveUploads(concurrentUploads);
  const host = startHost({
    hostname: '127.0.0.1',
    port: 0,
    certificate: undefined,
    trusted: alteration.trusted ?? (() => false),
    answer: {
      ...answer,
      v2: { ...answer.v2, upload: { ...answer.v2.upload, live } },
      ...alteration.answer,
    },
    ...(timer && { timer }),
  });
  return {
    port: host.port,
    url: `http://127.0.0.1:${host.port}`,
    live,
    stop: () => host.stop(1_000),
  };
}
