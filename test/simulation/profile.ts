// What kind of history a seed stands for: how many of whom, and what befalls them.
import type { Random } from './random.ts';

export type Crash = 'kill' | 'power';

export interface Profile {
  readonly servers: number;
  readonly clients: number;
  /** Things that each client does. */
  readonly errands: number;
  /** Probability of a fault at each operation of the disk and each command. */
  readonly faultRate: number;
  /** Probability that the body of a request breaks off. */
  readonly lossRate: number;
  /** Probability that a client does not wait for an answer. */
  readonly impatience: number;
  /** Crashes in their order, at moments that the seed chooses. */
  readonly crashes: readonly Crash[];
  /** Nights: hours in which nobody asks for anything. */
  readonly nights: number;
  /** The collector runs, days pass, and people go back to what was. Else nothing is ever collected. */
  readonly collects: boolean;
}

export function drawProfile(random: Random): Profile {
  const crashes: Crash[] = [];
  for (let count = random.pick([0, 1, 1, 2, 3]); count > 0; count -= 1) {
    crashes.push(random.pick(['kill', 'kill', 'power']));
  }
  return {
    servers: random.pick([1, 1, 2]),
    clients: random.between(2, 4),
    errands: random.between(2, 5),
    faultRate: random.pick([0, 0, 0.005, 0.02]),
    lossRate: random.pick([0, 0.1, 0.3]),
    impatience: random.pick([0, 0.1, 0.25]),
    crashes,
    nights: random.pick([0, 0, 1, 2]),
    collects: false,
  };
}
