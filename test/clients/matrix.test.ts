// The matrix claims what a run showed, and nothing else.
import { describe, expect, test } from 'bun:test';
import { readResults, renderMatrix, replaceMatrix } from './matrix.ts';

const JUNIT = `<testsuites><testsuite name="a.test.ts"><testsuite name="crane">
  <testcase name="pushes" classname="crane" time="0.1" file="a.test.ts" line="1" />
  <testcase name="pulls &quot;x&quot; &amp; y" classname="crane" time="0.1">
    <failure message="no">it broke</failure>
  </testcase>
  <testcase name="deletes" classname="crane" time="0"><skipped /></testcase>
  <testcase name="renders" classname="helm" time="0.1" />
</testsuite></testsuite></testsuites>`;

describe('the matrix', () => {
  test('reads each outcome', () => {
    expect(readResults(JUNIT)).toEqual([
      { group: 'crane', title: 'pushes', outcome: 'passed' },
      { group: 'crane', title: 'pulls "x" & y', outcome: 'failed' },
      { group: 'crane', title: 'deletes', outcome: 'skipped' },
      { group: 'helm', title: 'renders', outcome: 'passed' },
    ]);
  });

  test('counts and lists by client', () => {
    const clients = [{ name: 'crane', version: '0.22.1' }];
    const matrix = renderMatrix(clients, readResults(JUNIT));
    expect(matrix).toContain('| crane | 0.22.1 | 1 | 1 | 1 |');
    expect(matrix).toContain('| pulls "x" & y | **failed** |');
    expect(matrix).toContain('| deletes | not checked |');
    expect(matrix).not.toContain('renders');
  });

  test('shows side by side what several clients are checked for', () => {
    const results = ['crane', 'helm', 'oras'].flatMap((group) => [
      { group, title: 'signs in', outcome: group === 'helm' ? 'failed' : 'passed' } as const,
      { group, title: `only ${group}`, outcome: 'passed' } as const,
    ]);
    const names = ['crane', 'docker', 'helm', 'oras'];
    const matrix = renderMatrix(
      names.map((name) => ({ name, version: '1.0' })),
      results,
    );
    expect(matrix).toContain('| check | crane | helm | oras |\n');
    expect(matrix).toContain('| signs in | yes | **no** | yes |');
    expect(matrix).not.toContain('| only crane | yes');
  });

  test('replaces what stands between the marks, and keeps the rest', () => {
    const document = 'a\n<!-- matrix: start -->\nold\n<!-- matrix: end -->\nz\n';
    const replaced = replaceMatrix(document, 'new');
    expect(replaced).toBe('a\n<!-- matrix: start -->\nnew\n<!-- matrix: end -->\nz\n');
    expect(() => replaceMatrix('no marks', 'new')).toThrow('lacks');
  });
});
