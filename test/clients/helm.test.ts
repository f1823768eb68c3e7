// helm: charts kept as OCI artifacts. Knows only its commands; needs no cluster.
import { expect } from 'bun:test';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeClient } from './client-suite.ts';
import { heldImage } from './registry-content.ts';
import { sha256 } from './seeded-bytes.ts';

const PLAIN = '--plain-http';

describeClient('helm', ({ check, run, refused, image, repository, registry, directory }) => {
  /** Makes a chart with one object and pushes it; answers the path of its package. */
  async function pushed(name: string, version: string): Promise<string> {
    const cwd = directory(`charts-${name}`);
    const chart = join(cwd, name);
    mkdirSync(join(chart, 'templates'), { recursive: true });
    writeFileSync(
      join(chart, 'Chart.yaml'),
      `apiVersion: v2\nname: ${name}\nversion: ${version}\ndescription: A chart for a test\n`,
    );
    writeFileSync(join(chart, 'values.yaml'), 'greeting: hello\n');
    writeFileSync(
      join(chart, 'templates', 'settings.yaml'),
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n' +
        'data:\n  greeting: {{ .Values.greeting }}\n',
    );
    await run(['package', name], { cwd });
    const file = join(cwd, `${name}-${version}.tgz`);
    await run(['push', PLAIN, file, `oci://${image('helm')}`]);
    return file;
  }

  check('packages and pushes a chart', async () => {
    const file = await pushed('pushed', '1.0.0');
    const held = await heldImage(registry(), repository('helm/pushed'), '1.0.0');
    const bytes = new Uint8Array(await Bun.file(file).arrayBuffer());
    expect(held.content.layers?.map((layer) => layer.digest)).toContain(sha256(bytes));
  });

  check('pulls the chart that it pushed', async () => {
    const file = await pushed('pulled', '1.2.3');
    const cwd = directory('pulled');
    const name = `oci://${image('helm/pulled')}`;
    await run(['pull', PLAIN, name, '--version', '1.2.3'], { cwd });
    const got = new Uint8Array(await Bun.file(join(cwd, 'pulled-1.2.3.tgz')).arrayBuffer());
    const sent = new Uint8Array(await Bun.file(file).arrayBuffer());
    expect(sha256(got)).toBe(sha256(sent));
  });

  check('keeps a version with a plus sign', async () => {
    await pushed('plus', '2.0.0+build.7');
    await heldImage(registry(), repository('helm/plus'), '2.0.0_build.7');
    const cwd = directory('plus');
    const name = `oci://${image('helm/plus')}`;
    await run(['pull', PLAIN, name, '--version', '2.0.0+build.7'], { cwd });
    expect(await Bun.file(join(cwd, 'plus-2.0.0+build.7.tgz')).exists()).toBe(true);
  });

  check('finds the newest version that a range allows', async () => {
    await pushed('range', '1.0.0');
    await pushed('range', '1.4.0');
    await pushed('range', '2.0.0');
    const show = ['show', 'chart', PLAIN, `oci://${image('helm/range')}`, '--version', '^1'];
    expect((await run(show)).stdout).toContain('version: 1.4.0');
  });

  check('shows a chart and its values', async () => {
    await pushed('shown', '1.0.0');
    const name = `oci://${image('helm/shown')}`;
    expect((await run(['show', 'chart', PLAIN, name])).stdout).toContain('A chart for a test');
    expect((await run(['show', 'values', PLAIN, name])).stdout).toContain('greeting: hello');
  });

  check('renders a chart from the registry', async () => {
    await pushed('rendered', '1.0.0');
    const name = `oci://${image('helm/rendered')}`;
    const rendered = await run(['template', 'mine', PLAIN, name, '--set', 'greeting=bonjour']);
    expect(rendered.stdout).toContain('greeting: bonjour');
    expect(rendered.stdout).toContain('name: mine');
  });

  check('takes a dependency from the registry', async () => {
    await pushed('needed', '1.0.0');
    const cwd = directory('depends');
    const chart = join(cwd, 'depends');
    mkdirSync(chart, { recursive: true });
    const repository = `oci://${image('helm')}`;
    writeFileSync(
      join(chart, 'Chart.yaml'),
      'apiVersion: v2\nname: depends\nversion: 1.0.0\ndependencies:\n' +
        `  - name: needed\n    version: 1.0.0\n    repository: ${repository}\n`,
    );
    await run(['dependency', 'update', PLAIN, 'depends'], { cwd });
    expect(await Bun.file(join(chart, 'charts', 'needed-1.0.0.tgz')).exists()).toBe(true);
  });

  check('says what is unknown', async () => {
    const name = `oci://${image('helm/absent')}`;
    const missing = await refused(['show', 'chart', PLAIN, name, '--version', '1.0.0']);
    expect(missing.stderr.toLowerCase()).toContain('not found');
  });
});
