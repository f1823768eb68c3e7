// What can be done, and the roles that allow it.

/**
 * `manage`: settings, members, grants, robots and trust policies at a path. `administer`: the registry as
 * a whole; it is granted at the root only.
 */
export const ACTIONS = ['pull', 'push', 'delete', 'manage', 'administer'] as const;
export type Action = (typeof ACTIONS)[number];

/** Each role has what stands left of it, and more. */
export const ROLES = {
  reader: ['pull'],
  writer: ['pull', 'push'],
  maintainer: ['pull', 'push', 'delete'],
  owner: ['pull', 'push', 'delete', 'manage'],
  administrator: ['pull', 'push', 'delete', 'manage', 'administer'],
} as const satisfies Readonly<Record<string, readonly Action[]>>;

export type BuiltInRole = keyof typeof ROLES;

export function isBuiltInRole(name: string): name is BuiltInRole {
  return Object.hasOwn(ROLES, name);
}

export function isAction(text: string): text is Action {
  return (ACTIONS as readonly string[]).includes(text);
}
