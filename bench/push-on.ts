// Pushes tiny images under new tags, one after the other, until its standard input ends; prints how many a
// second. A process of its own, so that it does not share a thread with what it measures.
import {
  describeContent,
  imageManifest,
  OCI_CONFIG,
  OCI_LAYER,
  pushBlob,
  putManifest,
} from '../test/protocol/push.ts';

const url = process.argv[2];
if (url === undefined) throw new Error('usage: bun bench/push-on.ts URL');
const name = `pushed/app-${process.pid}`;
let isOver = false;
void Bun.stdin.text().then(() => {
  isOver = true;
});
const start = performance.now();
let pushes = 0;
while (!isOver) {
  const config = JSON.stringify({ architecture: 'amd64', os: 'linux', number: pushes });
  await pushBlob(url, name, config);
  await pushBlob(url, name, `layer ${pushes}`);
  const manifest = imageManifest({
    config: describeContent(config, OCI_CONFIG),
    layers: [describeContent(`layer ${pushes}`, OCI_LAYER)],
  });
  await putManifest(url, name, { reference: `t${pushes}`, manifest });
  pushes += 1;
}
process.stdout.write(((pushes * 1000) / (performance.now() - start)).toFixed(1));
