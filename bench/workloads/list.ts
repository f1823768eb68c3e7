// All workloads, in the order that they run: first what reads little, then what fills the disks, at
// the end what restarts the servers.
import type { Workload } from '../workload.ts';
import { blobPush } from './blob-push.ts';
import { blobRead } from './blob-read.ts';
import { crash } from './crash.ts';
import { durability } from './durability.ts';
import { imagePull } from './image-pull.ts';
import { imagePush } from './image-push.ts';
import { manifestRead } from './manifest-read.ts';
import { memories } from './memory.ts';
import { ping } from './ping.ts';
import { readsBesidePushes } from './read-while-push.ts';
import { referrersList } from './referrers.ts';
import { restarts } from './restart.ts';
import { tagsList } from './tags-list.ts';

export const WORKLOADS: readonly Workload[] = [
  ...ping,
  ...manifestRead,
  ...blobRead,
  ...imagePull,
  ...imagePush,
  ...readsBesidePushes,
  ...blobPush,
  ...durability,
  ...tagsList,
  ...referrersList,
  ...restarts,
  ...memories,
  crash,
];
