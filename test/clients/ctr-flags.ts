// What ctr wants with each command that talks to a registry: it keeps no sign-in.
import type { Account } from './registry-under-test.ts';

export function ctrFlags({ account }: { account?: Account | undefined }): readonly string[] {
  const user = account && ['--user', `${account.name}:${account.password}`];
  return ['--plain-http', ...(user ?? [])];
}
