// `?ns=`: containerd names the registry that it takes this one for a mirror of (spec, "Registry Proxying").
import type { Incoming } from '../incoming.ts';

/** A host name with an optional port; anything else is not repeated into a header. */
const HOST = /^[A-Za-z0-9.:[\]-]{1,255}$/;

export function namespaceHeader(request: Incoming): Readonly<Record<string, string>> {
  const host = request.query.get('ns');
  return host !== null && HOST.test(host) ? { 'OCI-Namespace': host } : NONE;
}

const NONE = {};
