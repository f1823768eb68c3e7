// A browser as far as the management API sees one: it keeps cookies, and says with each request which page
// sends it. Knows nothing of what the API does.

export interface BrowserAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface BrowserRequest {
  readonly body?: unknown;
  /** In place of those that a page of the registry itself sends; undefined leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

export class Browser {
  readonly #base: string;
  readonly #origin: string;
  readonly #cookies = new Map<string, string>();
  /** Each `Set-Cookie` that came, as it came. */
  readonly given: string[] = [];

  /** `origin`: as the registry calls itself, when it is another than the address it is reached at. */
  constructor(base: string, { origin = base }: { origin?: string } = {}) {
    this.#base = base;
    this.#origin = origin;
  }

  /** What the browser would send; settable, as by who has stolen it. */
  get cookie(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  set cookie(text: string) {
    this.#cookies.clear();
    if (text !== '') this.#keep(text);
  }

  async send(
    method: string,
    path: string,
    { body, headers: asked = {} }: BrowserRequest = {},
  ): Promise<BrowserAnswer> {
    const usual: Record<string, string | undefined> = {
      Origin: method === 'GET' ? undefined : this.#origin,
      'Sec-Fetch-Site': 'same-origin',
      'X-Entrepot-Request': '1',
      'Content-Type': body === undefined ? undefined : 'application/json',
      Cookie: this.cookie === '' ? undefined : this.cookie,
      ...asked,
    };
    const headers = new Headers();
    for (const [name, value] of Object.entries(usual)) {
      if (value !== undefined) headers.set(name, value);
    }
    const response = await fetch(`${this.#base}${path}`, {
      method,
      headers,
      redirect: 'manual',
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    for (const line of response.headers.getSetCookie()) {
      this.given.push(line);
      this.#keep(line.split(';')[0] ?? '');
    }
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  /** @throws Error when it is refused. */
  async signIn(name: string, password: string): Promise<BrowserAnswer> {
    const answered = await this.send('POST', '/api/v1/session', { body: { name, password } });
    if (answered.status !== 201) throw new Error(`not signed in: ${answered.text}`);
    return answered;
  }

  async isSignedIn(): Promise<boolean> {
    return (await this.send('GET', '/api/v1/whoami')).status === 200;
  }

  #keep(pair: string): void {
    const equals = pair.indexOf('=');
    const [name, value] = [pair.slice(0, equals), pair.slice(equals + 1)];
    if (value === '') this.#cookies.delete(name);
    else this.#cookies.set(name, value);
  }
}
