// B0: what every client asks first, and the tokens that it then needs.
import {
  authorize,
  basic,
  challengeOf,
  parseChallenge,
  tokenAddress,
} from '../load/authorization.ts';
import { timesBetter } from '../targets.ts';
import { NotSupported, type Workload } from '../workload.ts';
import { requestRate } from './request-rate.ts';

const REPOSITORY = 'bench/hot';
const WORKERS = 16;

export const ping: readonly Workload[] = [
  {
    id: 'B0/ping',
    title: 'GET /v2/, 16 at once',
    unit: '/s',
    better: 'higher',
    work: 'request',
    targets: [timesBetter(2.5, 40)],
    async prepare(registry, scale) {
      await authorize(registry, [REPOSITORY]);
      return requestRate({
        registry,
        repository: REPOSITORY,
        workers: WORKERS,
        milliseconds: scale.milliseconds,
        requests: [{ line: { method: 'GET', target: '/v2/' }, expected: { status: 200 } }],
        sampleEvery: Number.POSITIVE_INFINITY,
      });
    },
  },
  {
    id: 'B0/token',
    title: 'a token for one repository, 16 at once',
    unit: '/s',
    better: 'higher',
    work: 'token',
    targets: [timesBetter(2.5)],
    async prepare(registry, scale) {
      const bearer = parseChallenge((await challengeOf(registry)) ?? '');
      if (bearer === undefined) throw new NotSupported('it asks for no token');
      const address = tokenAddress(bearer, [REPOSITORY]);
      const headers = registry.credentials === undefined ? {} : basic(registry);
      const tokens = {
        ...registry,
        endpoint: { hostname: address.hostname, port: Number(address.port || 80) },
      };
      return requestRate({
        registry: tokens,
        repository: REPOSITORY,
        workers: WORKERS,
        milliseconds: scale.milliseconds,
        requests: [
          {
            line: { method: 'GET', target: `${address.pathname}${address.search}`, headers },
            expected: { status: 200 },
          },
        ],
        sampleEvery: Number.POSITIVE_INFINITY,
      });
    },
  },
];
