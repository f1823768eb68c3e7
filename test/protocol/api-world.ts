// A registry with people, robots and tokens of every kind, and what tests ask of its management API.
import { ADMIN_PASSWORD } from '../support/entrepot.ts';
import { basic as basicAuthorization } from '../support/people.ts';

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Of JSON; {} for anything else. */
  readonly body: Readonly<Record<string, never>> & { readonly [name: string]: unknown };
}

export interface ApiRequest {
  readonly method: string;
  /** Behind `/api/v1`. */
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function askApi(url: string, request: ApiRequest): Promise<ApiAnswer> {
  const { method, path, body, headers } = request;
  const json = body === undefined ? {} : { 'Content-Type': 'application/json' };
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    redirect: 'manual',
    headers: { ...json, ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type') === 'application/json';
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson && text !== '' ? JSON.parse(text) : {},
  };
}

export function basic(name: string, password: string): { Authorization: string } {
  return { Authorization: basicAuthorization(name, password) };
}

export function bearer(token: unknown): { Authorization: string } {
  return { Authorization: `Bearer ${String(token)}` };
}

export const ADMIN = basic('admin', ADMIN_PASSWORD);
export const PASSWORD = 'a quiet morning in march';

/** Who asks; in the order of the codes in rights-row.ts. */
export const CALLERS = [
  'nobody',
  'stranger',
  'member',
  'robot',
  'pull token',
  'manage token',
  'owner',
  'administrator',
] as const;
export type CallerName = (typeof CALLERS)[number];

/**
 * `alice` owns the organisation acme. `bob` is a member of it and reads acme/app. `carol` has nothing. The
 * robot acme:ci writes acme/app. Two tokens of alice's pull, and pull and manage, at acme/**.
 */
export class World {
  readonly url: string;
  readonly callers = new Map<CallerName, Readonly<Record<string, string>>>();
  robot = 0;
  #made = 0;

  private constructor(url: string) {
    this.url = url;
  }

  static async make(url: string): Promise<World> {
    const world = new World(url);
    for (const name of ['alice', 'bob', 'carol']) {
      await world.admin('POST', '/users', { name, password: PASSWORD });
    }
    await world.admin('POST', '/organisations', { name: 'acme', owner: 'alice' });
    await world.admin('PUT', '/organisations/acme/members/bob', {});
    await world.grant('user', 'bob', 'reader');
    world.robot = await world.newRobot();
    await world.grant('robot', 'acme:robot-1', 'writer');
    const robot = await world.admin('POST', '/tokens', {
      owner: `robot:${world.robot}`,
      name: 'ci',
    });
    const owner = basic('alice', PASSWORD);
    const scoped = async (...actions: string[]) => {
      const body = { name: 'scoped', scopes: [{ actions, names: ['acme/**'] }] };
      const answer = await askApi(url, { method: 'POST', path: '/tokens', body, headers: owner });
      return bearer(answer.body.secret);
    };
    world.callers.set('nobody', {});
    world.callers.set('stranger', basic('carol', PASSWORD));
    world.callers.set('member', basic('bob', PASSWORD));
    world.callers.set('robot', bearer(robot.secret));
    world.callers.set('pull token', await scoped('pull'));
    world.callers.set('manage token', await scoped('pull', 'manage'));
    world.callers.set('owner', owner);
    world.callers.set('administrator', ADMIN);
    return world;
  }

  as(name: CallerName, request: ApiRequest): Promise<ApiAnswer> {
    const headers = { ...this.callers.get(name), ...request.headers };
    return askApi(this.url, { ...request, headers });
  }

  /** @throws Error when it is refused. */
  async admin(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    const answer = await askApi(this.url, { method, path, body, headers: ADMIN });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.text}`);
    return answer.body;
  }

  /** A name that nothing has. */
  name(kind: string): string {
    this.#made += 1;
    return `${kind}-${this.#made}`;
  }

  async grant(kind: string, name: string, role: string, path = 'acme/app'): Promise<number> {
    const grant = { subject: { kind, name }, path, role };
    return Number((await this.admin('POST', '/grants', grant)).id);
  }

  async newUser(): Promise<string> {
    const name = this.name('user');
    await this.admin('POST', '/users', { name });
    return name;
  }

  async newMember(): Promise<string> {
    const name = await this.newUser();
    await this.admin('PUT', `/organisations/acme/members/${name}`, {});
    return name;
  }

  async newOrganisation(): Promise<string> {
    const name = this.name('org');
    await this.admin('POST', '/organisations', { name, owner: 'alice' });
    return name;
  }

  async newTeam(): Promise<string> {
    const name = this.name('team');
    await this.admin('POST', '/organisations/acme/teams', { name });
    return name;
  }

  async newRobot(): Promise<number> {
    const robot = { path: 'acme', name: this.name('robot') };
    return Number((await this.admin('POST', '/robots', robot)).id);
  }

  /** Of the robot, with a scope that the manage token includes. */
  async newToken(): Promise<number> {
    const scopes = [{ actions: ['pull'], names: ['acme/app'] }];
    const token = { owner: `robot:${this.robot}`, name: 'one more', scopes };
    return Number((await this.admin('POST', '/tokens', token)).id);
  }

  async newRole(): Promise<string> {
    const name = this.name('role');
    await this.admin('POST', '/roles', { name, actions: ['pull'] });
    return name;
  }

  async newGrant(): Promise<number> {
    return this.grant('user', await this.newUser(), 'reader');
  }

  policy(): Record<string, unknown> {
    return {
      issuer: 'https://gitlab.com',
      audience: 'registry.test',
      conditions: { project_path: 'acme/app' },
      grants: [{ actions: ['push'], names: ['acme/app'] }],
    };
  }

  async newPolicy(): Promise<number> {
    const policy = { path: 'acme', name: this.name('policy'), ...this.policy() };
    return Number((await this.admin('POST', '/trust-policies', policy)).id);
  }

  async newInvitation(): Promise<number> {
    return Number((await this.admin('POST', '/invitations', {})).id);
  }
}
