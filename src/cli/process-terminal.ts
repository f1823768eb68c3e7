// The terminal of this process.
import { once } from 'node:events';
import { hostname } from 'node:os';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import type { Terminal } from './terminal.ts';

/** Input larger than that is no password and no declaration: somebody piped the wrong thing. */
const LONGEST_INPUT_BYTES = 4 * 1024 * 1024;

export function processTerminal(): Terminal {
  const interruption = new AbortController();
  // Whoever reads has seen enough: `entrepot audit export | head`.
  process.stdout.on('error', (error) => {
    if ('code' in error && error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return {
    print: (text) => void process.stdout.write(text),
    async drained() {
      if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
    },
    printError: (text) => void process.stderr.write(text),
    isOutputSeen: process.stdout.isTTY === true,
    isErrorSeen: process.stderr.isTTY === true,
    canAsk: process.stdin.isTTY === true && process.stderr.isTTY === true,
    env: process.env,
    directory: process.cwd(),
    hostname: hostname(),
    ask: askPerson,
    readInput,
    fetch: (url, init) => fetch(url, init),
    now: Date.now,
    sleep: (ms) => sleepUntil(interruption.signal, ms),
    get interrupted() {
      listenOnce(interruption);
      return interruption.signal;
    },
    onSignal(handler) {
      process.on('SIGINT', handler);
      process.on('SIGTERM', handler);
      process.on('SIGHUP', handler);
    },
    exit: (code) => process.exit(code),
  };
}

/** Only a command that asks for it takes Ctrl-C over; all others just end by it. */
function listenOnce(interruption: AbortController): void {
  const stop = (): void => interruption.abort();
  if (process.listenerCount('SIGINT') === 0) process.once('SIGINT', stop);
}

function sleepUntil(signal: AbortSignal, ms: number): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}

/** On standard error, so that standard output holds nothing but answers. */
function askPerson(question: string, { isSecret = false } = {}): Promise<string> {
  const shown = new Writable({
    write(chunk, _encoding, done) {
      if (!isSecret) process.stderr.write(chunk);
      done();
    },
  });
  const lines = createInterface({ input: process.stdin, output: shown, terminal: true });
  process.stderr.write(question);
  return new Promise((resolve, reject) => {
    let answer: string | undefined;
    lines.once('line', (line) => {
      answer = line;
      lines.close();
    });
    lines.once('SIGINT', () => lines.close());
    lines.once('close', () => {
      if (isSecret || answer === undefined) process.stderr.write('\n');
      if (answer === undefined) reject(new Error('nothing was typed'));
      else resolve(answer);
    });
  });
}

async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    if (length > LONGEST_INPUT_BYTES) throw new Error('standard input is larger than 4 MiB');
  }
  return Buffer.concat(chunks).toString('utf8');
}
