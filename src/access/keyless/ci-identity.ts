// The identity token that a pipeline has at hand, for `entrepot login --oidc`. Looks in the places of the
// usual systems; says what to add to the pipeline when there is none. Never shows a token.
import { readFile } from 'node:fs/promises';

export interface CiIdentityOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whom the token is for: the audience of the trust policy. */
  readonly audience: string;
  /** Name of the variable that has it, for GitLab's `id_tokens`. Default: ENTREPOT_ID_TOKEN. */
  readonly variable?: string;
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

export interface CiIdentity {
  readonly jwt: string;
  /** Where it was found, for a person. */
  readonly from: string;
}

/** A sentence for the person who wrote the pipeline. */
export class CiIdentityError extends Error {}

const STANDARD_VARIABLE = 'ENTREPOT_ID_TOKEN';
const FILE_VARIABLE = 'ENTREPOT_ID_TOKEN_FILE';
/** Where our examples for Kubernetes mount a projected token. */
const STANDARD_FILE = '/var/run/secrets/tokens/entrepot';
const TIMEOUT_MS = 10_000;
const LONGEST_ANSWER = 64 * 1024;

/** @throws CiIdentityError when there is none, or it cannot be had. */
export async function findIdentityToken(options: CiIdentityOptions): Promise<CiIdentity> {
  const { environment, variable = STANDARD_VARIABLE } = options;
  const given = environment[variable]?.trim();
  if (given !== undefined && given !== '') return { jwt: given, from: `$${variable}` };
  if (options.variable !== undefined) {
    throw new CiIdentityError(`The variable ${variable} is empty or not set.${advice(options)}`);
  }
  const file = environment[FILE_VARIABLE];
  if (file !== undefined && file !== '') return readTokenFile(file);
  const url = environment.ACTIONS_ID_TOKEN_REQUEST_URL;
  const secret = environment.ACTIONS_ID_TOKEN_REQUEST_TOKEN;
  if (url !== undefined && secret !== undefined) return askGitHub(options, { url, secret });
  const mounted = await readTokenFile(STANDARD_FILE).catch(() => undefined);
  if (mounted !== undefined) return mounted;
  throw new CiIdentityError(
    `There is no identity token here: ${STANDARD_VARIABLE} is not set, and there is no file ${STANDARD_FILE}.${advice(options)}`,
  );
}

async function readTokenFile(path: string): Promise<CiIdentity> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new CiIdentityError(`The identity token in ${path} cannot be read.`, { cause });
  }
  const jwt = text.trim();
  if (jwt === '') throw new CiIdentityError(`The file ${path} is empty.`);
  return { jwt, from: path };
}

async function askGitHub(
  { audience, fetch = globalThis.fetch }: CiIdentityOptions,
  { url, secret }: { url: string; secret: string },
): Promise<CiIdentity> {
  if (!URL.canParse(url)) {
    throw new CiIdentityError('ACTIONS_ID_TOKEN_REQUEST_URL is no address.');
  }
  const asked = new URL(url);
  asked.searchParams.set('audience', audience);
  const headers = { authorization: `Bearer ${secret}`, accept: 'application/json' };
  let status: number;
  let text: string;
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const reply = await fetch(asked.href, { headers, redirect: 'error', signal });
    status = reply.status;
    text = (await reply.text()).slice(0, LONGEST_ANSWER);
  } catch (cause) {
    throw new CiIdentityError('GitHub cannot be asked for an identity token.', { cause });
  }
  const jwt = status === 200 ? tokenIn(text) : undefined;
  if (jwt !== undefined) return { jwt, from: 'GitHub Actions' };
  throw new CiIdentityError(`GitHub gave no identity token (status ${status}).`);
}

function tokenIn(text: string): string | undefined {
  try {
    const answer: unknown = JSON.parse(text);
    if (typeof answer !== 'object' || answer === null || !('value' in answer)) return undefined;
    return typeof answer.value === 'string' && answer.value !== '' ? answer.value : undefined;
  } catch {
    return undefined;
  }
}

function advice({ environment, audience, variable = STANDARD_VARIABLE }: CiIdentityOptions) {
  if (environment.GITHUB_ACTIONS === 'true') {
    return ' Add "permissions: id-token: write" to the job.';
  }
  if (environment.GITLAB_CI === 'true') {
    return ` Add "id_tokens: ${variable}: aud: ${audience}" to the job.`;
  }
  return '';
}
