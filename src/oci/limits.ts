// Every limit of the registry in one place, with its unit and its reason. What is not here is unlimited.

export const LIMITS = {
  /** The spec asks for 4 MiB at least; containerd and oras read no more than that. */
  manifestBytes: 4 * 1024 * 1024,
  /** All manifests being pushed, in one process: 32 of the largest, or thousands of usual ones. */
  manifestBytesAtOnce: 128 * 1024 * 1024,
  /** Docker itself stops at 127 layers; indexes of nightly builds reach hundreds. Bounds one command. */
  manifestReferences: 10_000,
  /** Nesting of JSON in a manifest. Real ones stay under 10; a parser's stack must not be the limit. */
  manifestJsonDepth: 100,
  /** Annotations of a manifest with a subject stand in the listing of its referrers, and must leave
   *  room there for others. A manifest without one may fill itself with them. */
  manifestAnnotationsBytes: 1024 * 1024,
  /** Clients refuse host and name together over 255 characters; the name alone may never need more. */
  repositoryNameLength: 255,
  /** From the grammar of the spec. */
  tagLength: 128,
  /** The spec asks for 10 at least; a header line of 128 tags still fits a client's 32 KiB. */
  tagsPerPush: 100,
  /** Longest media type that is stored: RFC 6838 allows 127 characters for each of its two parts. */
  mediaTypeLength: 255,
  /** A page of tags or repositories: under 2 MiB with the longest names. */
  pageSize: 10_000,
  /** oras and containerd read a page of referrers up to 4 MiB; a quarter is left for headroom. */
  referrersPageBytes: 3 * 1024 * 1024,
  /** The longest legal request is a mount between two names of 255 with a sha512 digest: under 1 KiB;
   *  a push of 100 tags of 128 characters needs 14 KiB. */
  urlLength: 16 * 1024,
  /** Blobs up to this size live in the database: one commit instead of a file, a sync and a rename. */
  smallBlobBytes: 32 * 1024,
  /** What a request holds of a blob while it is on its way to the disk. */
  uploadBufferBytes: 1024 * 1024,
  /** Bodies being received at once, in one process: each holds a buffer and a file handle. */
  concurrentUploads: 1_000,
  /** An upload nobody continues: docker and containerd give up after minutes, a person after a day. */
  uploadAgeMs: 24 * 60 * 60 * 1000,
  /** A client that sends no byte for so long is gone; its upload stays and can be resumed. */
  stallMs: 120_000,
  /** Ranges in one request; podman's zstd:chunked sends hundreds. Beyond it the whole blob is sent. */
  rangesPerRequest: 1_000,
  /** Repositories looked at for a mount without `from`. */
  mountCandidates: 64,
} as const;
