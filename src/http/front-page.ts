// What a person sees who opens the registry's address in a browser.
import { bytesReply, type Reply } from './reply.ts';

const TEXT = `This is a container registry. Docker and others use it at /v2/.
The management API is at api/v1, described in api/v1/openapi.json.
`;

export function frontPage(): Reply {
  return bytesReply(200, { 'Content-Type': 'text/plain; charset=utf-8' }, TEXT);
}
