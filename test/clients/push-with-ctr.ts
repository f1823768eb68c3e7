// Pushes with ctr, which on a busy machine now and then loses the stream between itself and its
// own containerd (1.6.20: about one push in a hundred, and with other registries just as often).
// Only that error is tried again; every other one is the registry's and fails the test.
import type { ClientSuite } from './client-suite.ts';
import { ctrFlags } from './ctr-flags.ts';

const LOST_STREAM = 'rpc error: code = Internal desc = unexpected EOF';
const ATTEMPTS = 4;

export async function pushWithCtr(ctr: ClientSuite, image: string): Promise<void> {
  await triedAgain(() => ctr.run(['images', 'push', ...ctrFlags(ctr.registry()), image]));
}

export async function triedAgain<T>(push: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await push();
    } catch (error) {
      if (attempt === ATTEMPTS || !String(error).includes(LOST_STREAM)) throw error;
    }
  }
}
