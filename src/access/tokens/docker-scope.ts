// The scopes of Docker's token protocol: `repository:team/app:pull,push`, `registry:catalog:*`.
import { isRepositoryName } from '../../oci/repository-name.ts';
import type { Action } from '../action.ts';

/** What a bearer token is for. The action `*` stands for all that a repository knows. */
export interface TokenAccess {
  readonly type: 'repository' | 'registry';
  readonly name: string;
  readonly actions: readonly string[];
}

const REPOSITORY_ACTIONS = ['pull', 'push', 'delete'] as const satisfies readonly Action[];

/** Scopes in one request: a pipeline that builds from many bases asks for dozens. */
const MOST_SCOPES = 200;

/**
 * Reads the values of all `scope` parameters, each of which may hold several scopes. One name asked for
 * twice is one entry (containerd asks for pull and for pull,push side by side). What is not understood
 * is left out: a token for less is no error (client behaviour 5).
 */
export function parseDockerScopes(values: readonly string[]): TokenAccess[] {
  const wanted = new Map<
    string,
    { type: TokenAccess['type']; name: string; actions: Set<string> }
  >();
  for (const text of values.flatMap((value) => value.split(/\s+/)).slice(0, MOST_SCOPES)) {
    const parsed = parseOne(text);
    if (parsed === undefined) continue;
    const key = `${parsed.type}:${parsed.name}`;
    const known = wanted.get(key);
    if (known === undefined) wanted.set(key, parsed);
    else for (const action of parsed.actions) known.actions.add(action);
  }
  return [...wanted.values()].map(({ type, name, actions }) => ({
    type,
    name,
    actions: [...actions],
  }));
}

function parseOne(text: string) {
  // From both ends: a name has no colon, but a resource type may have a class, `repository(plugin)`.
  const first = text.indexOf(':');
  const last = text.lastIndexOf(':');
  if (first < 0 || last === first) return undefined;
  const [type = ''] = text.slice(0, first).split('(');
  const name = text.slice(first + 1, last);
  const actions = text
    .slice(last + 1)
    .split(',')
    .filter((action) => action !== '');
  if (actions.length === 0) return undefined;
  if (type === 'registry' && name === 'catalog') {
    return { type, name, actions: new Set(actions) } as const;
  }
  if (type !== 'repository' || !isRepositoryName(name)) return undefined;
  const known = actions.flatMap((action): readonly string[] =>
    action === '*' ? REPOSITORY_ACTIONS : [action],
  );
  return { type, name, actions: new Set(known) } as const;
}

export function isRepositoryAction(action: string): action is (typeof REPOSITORY_ACTIONS)[number] {
  return (REPOSITORY_ACTIONS as readonly string[]).includes(action);
}

/** As it stands in a challenge. */
export function showDockerScope({ type, name, actions }: TokenAccess): string {
  return `${type}:${name}:${actions.join(',')}`;
}
