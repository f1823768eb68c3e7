// People, robots and pipelines of the registry under test, made as an administrator makes them: by the
// management API. Knows no client.
import { Secret, TOTP } from 'otpauth';
import { type Account, authorizationOf, newPassword } from './registry-under-test.ts';

export type Token = Readonly<{ id: number; account: Account }>;
export type Subject = Readonly<{ kind: 'user' | 'robot'; name: string }>;

export type People = Readonly<{
  /** With a password, and the rights that every user has. */
  addUser(name: string): Promise<Account>;
  grant(subject: Subject, role: string, path: string): Promise<void>;
  makePublic(path: string): Promise<void>;
  /** Of that user, for everything that the user may. */
  addToken(of: Account): Promise<Token>;
  revokeToken(of: Account, token: Token): Promise<void>;
  /** A robot that belongs to the path, with a token. */
  addRobot(path: string, name: string): Promise<Token>;
  /** An authenticator app. */
  addSecondFactor(of: Account): Promise<void>;
  addTrustPolicy(policy: Readonly<Record<string, unknown>>): Promise<void>;
}>;

export function peopleOf(registry: { url: string; account?: Account }): People {
  const admin = registry.account;
  if (admin === undefined) throw new Error('nobody here may make users');
  const post = (path: string, body: object, as: Account = admin) =>
    call(`${registry.url}/api/v1${path}`, { method: 'POST', body, as });
  const addToken = async (body: object, as: Account): Promise<Token> => {
    const made = await post('/tokens', body, as);
    // The name beside a token is nobody's.
    return { id: Number(made.id), account: { name: 'any-name', password: String(made.secret) } };
  };
  return {
    async addUser(name) {
      const account = { name, password: newPassword() };
      await post('/users', account);
      return account;
    },
    async grant(subject, role, path) {
      await post('/grants', { subject, role, path });
    },
    async makePublic(path) {
      const address = `${registry.url}/api/v1/paths?path=${encodeURIComponent(path)}`;
      await call(address, { method: 'PATCH', body: { visibility: 'public' }, as: admin });
    },
    addToken: (of) => addToken({ name: 'of a test' }, of),
    async revokeToken(of, { id }) {
      await call(`${registry.url}/api/v1/tokens/${id}`, { method: 'DELETE', as: of });
    },
    async addRobot(path, name) {
      const robot = await post('/robots', { path, name });
      return addToken({ name: 'of a test', owner: `robot:${robot.id}` }, admin);
    },
    async addSecondFactor(of) {
      const { secret } = await post('/account/totp', {}, of);
      const app = new TOTP({ secret: Secret.fromBase32(String(secret)) });
      await post('/account/totp/confirm', { code: app.generate() }, of);
    },
    async addTrustPolicy(policy) {
      await post('/trust-policies', policy);
    },
  };
}

type Call = Readonly<{ method: string; body?: object; as: Account }>;

async function call(url: string, { method, body, as }: Call): Promise<Record<string, unknown>> {
  const headers = { 'content-type': 'application/json', ...authorizationOf({ account: as }) };
  const answer = await fetch(url, {
    method,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${url} answered ${answer.status}: ${text}`);
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
}
