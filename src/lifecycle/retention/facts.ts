// What retention must know of one repository, as plain data. Who gathers it decides nothing.

/** A tag that points at something now. */
export interface TagFact {
  readonly tag: string;
  readonly digest: string;
  /** When the tag last moved; milliseconds since 1970, like all times here. */
  readonly pushedAt: number;
  /** When it was last pulled; undefined: never, as far as is known. */
  readonly pulledAt: number | undefined;
  /** `fixed`: immutable, and nothing lets it expire. `may-expire`: immutable, but its rule lets it. */
  readonly immutability: 'none' | 'may-expire' | 'fixed';
  /** Of the image; of an index, what all its images have alike. Wanted when `needsLabels` says so. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Of the manifest that the tag points at. Wanted when `needsAnnotations` says so. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** A manifest that is in the repository and not in the trash, tagged or not. */
export interface ManifestFact {
  /** Of its blob: what children, blobs, subjects and sizes refer to. */
  readonly id: number;
  readonly digest: string;
  readonly createdAt: number;
  /** Since when nothing holds it; undefined: something does, or nothing ever did. */
  readonly releasedAt: number | undefined;
  /** What an index names as its children. Some may be absent, or be no manifests. */
  readonly children: readonly number[];
  /** Config and layers. */
  readonly blobs: readonly number[];
  readonly subject: number | undefined;
  /** Names of the leases on it that hold now. */
  readonly leasedBy: readonly string[];
}

export interface RepositoryFacts {
  readonly tags: readonly TagFact[];
  readonly manifests: readonly ManifestFact[];
  /** Bytes by the id of the blob, manifests included. What is not in it has none. */
  readonly sizes: ReadonlyMap<number, number>;
  /** Blobs that something outside the repository needs: nothing here frees them. */
  readonly heldElsewhere?: ReadonlySet<number> | undefined;
  /** Digests of images that were here and are purged, as far as is known: signatures of them go. */
  readonly purgedImages?: ReadonlySet<string> | undefined;
}
