// Requests of the administrator: the registry is private, and each start must know its people again.

export const ADMIN_PASSWORD = 'only for crash tests';

const AUTHORIZATION = `Basic ${Buffer.from(`admin:${ADMIN_PASSWORD}`).toString('base64')}`;

export function fetchSignedIn(address: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set('Authorization', AUTHORIZATION);
  return fetch(address, { ...init, headers });
}
