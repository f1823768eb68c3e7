// The clients that are tested, by the names of their programs.

/** In the order of the matrix. */
export const CLIENT_NAMES = [
  'docker',
  'ctr',
  'podman',
  'buildah',
  'skopeo',
  'crane',
  'regctl',
  'oras',
  'cosign',
  'helm',
] as const;
export type ClientName = (typeof CLIENT_NAMES)[number];
