// What a client knows of an upload that it has begun.
import type { RepositoryName } from '../../src/oci/repository-name.ts';
import type { Content } from './content.ts';

/** An upload, as its client knows it. */
export interface UploadSession {
  readonly id: string;
  readonly repository: RepositoryName;
  readonly content: Content;
  /** Bytes that the registry has acknowledged: there the client goes on. */
  acknowledged: number;
  /**
   * Bytes that must not be lost. A status counts those too that another request is just writing, and gives
   * back when the disk is full: they are acknowledged and not promised.
   */
  promised: number;
  /** The next request asks where the upload stands. */
  isUnsure: boolean;
  touchedAt: number;
  readonly powerCuts: number;
  /** A request that nobody waits for may still be under way: the next ones say where their bytes belong. */
  needsPlace: boolean;
  /** A request without a place may still be on its way: its bytes can come twice, as the client's own fault. */
  isTainted: boolean;
  /** A request may have ended it: with success, or because bytes could not be synced. */
  mayBeOver: boolean;
}
