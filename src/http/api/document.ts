// The OpenAPI document of the management API, made from its endpoints.
import { OpenAPIHono } from '@hono/zod-openapi';
import { ENDPOINTS } from './endpoints.ts';

const ABOUT = `People, robots, tokens, grants and settings of an Entrepot registry.

Sign in with an access token as Bearer, with a password or access token as Basic, or with the session cookie
that POST /api/v1/session sets. A request with the cookie that changes something needs the header
X-Entrepot-Request. Lists come by pages: give \`next\` as \`cursor\` for the following one. What you may not
see is answered as if it were not there.`;

export function apiDocument(version: string) {
  const app = new OpenAPIHono();
  const registry = app.openAPIRegistry;
  registry.registerComponent('securitySchemes', 'accessToken', { type: 'http', scheme: 'bearer' });
  registry.registerComponent('securitySchemes', 'password', { type: 'http', scheme: 'basic' });
  registry.registerComponent('securitySchemes', 'session', {
    type: 'apiKey',
    in: 'cookie',
    name: '__Host-entrepot',
  });
  for (const one of ENDPOINTS) one.describe(registry);
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'Entrepot', version, description: ABOUT },
    servers: [{ url: '/' }],
  });
}
