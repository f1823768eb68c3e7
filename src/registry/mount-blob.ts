// A blob that another repository holds, without its bytes moving (spec, "Mounting a blob from another repository").
import { findBlob, repositoriesWithBlob } from '../metadata/blobs.ts';
import type { Commands } from '../metadata/command.ts';
import type { Sql } from '../metadata/sql.ts';
import type { Digest } from '../oci/digest.ts';
import { LIMITS } from '../oci/limits.ts';
import { isRepositoryName, namespaceOf, type RepositoryName } from '../oci/repository-name.ts';
import type { RegistryCommands } from './commands.ts';

export interface Mount {
  readonly repository: RepositoryName;
  readonly digest: Digest;
  /** As the client sent it; undefined = from wherever the caller may read it. */
  readonly from: string | undefined;
  /** May the caller pull from that repository? */
  mayPull(repository: RepositoryName): Promise<boolean>;
}

/**
 * @returns false when there is nothing to mount that the caller may read: the client then uploads.
 * What may not be read looks just like what is not there: the same statements, whatever the answer.
 */
export async function mountBlob(
  parts: { sql: Sql; commands: Commands<RegistryCommands> },
  mount: Mount,
): Promise<boolean> {
  const { repository, digest } = mount;
  const from = mount.from === undefined ? await anySource(parts.sql, mount) : mount.from;
  if (from === undefined || !isRepositoryName(from)) return false;
  const blob = await findBlob(parts.sql, { repository: from, digest });
  const mayPull = await mount.mayPull(from);
  if (blob === undefined || !mayPull) return false;
  return parts.commands.run('mountBlob', { repository, from, digest });
}

async function anySource(sql: Sql, mount: Mount): Promise<RepositoryName | undefined> {
  const namespace = namespaceOf(mount.repository);
  const candidates = await repositoriesWithBlob(sql, {
    digest: mount.digest,
    prefix: namespace === '' ? mount.repository : `${namespace}/`,
    limit: LIMITS.mountCandidates,
  });
  for (const name of candidates) {
    if (isRepositoryName(name) && (await mount.mayPull(name))) return name;
  }
  return undefined;
}
