import { expect, test } from 'bun:test';
import { loadConfiguration } from './configuration.ts';
import { SETTING_NAMES } from './settings.ts';
import { showConfiguration } from './show-configuration.ts';

function show(env: Record<string, string>, flags: Record<string, string> = {}): string {
  return showConfiguration(
    loadConfiguration({ env, flags, readFile: () => undefined, directory: '/place' }),
  );
}

test('shows every setting with its source', () => {
  const lines = show({ ENTREPOT_URL: 'https://registry.example.com' }, { listen: '[::1]:0' })
    .trimEnd()
    .split('\n');
  expect(lines.map((line) => line.split(' = ')[0])).toEqual([...SETTING_NAMES]);
  const parts = lines.map((line) => line.split(/\s+# /));
  expect(parts).toContainEqual(['listen = [::1]:0', '--listen']);
  expect(parts).toContainEqual(['url = https://registry.example.com', 'ENTREPOT_URL']);
  expect(parts).toContainEqual(['upload-age = 24h', 'default']);
  expect(parts).toContainEqual(['key-file = (none)', 'not set']);
});

test('hides every secret', () => {
  const shown = show({
    ENTREPOT_ADMIN_PASSWORD: 'hunter2',
    ENTREPOT_DATABASE: 'postgres://me:hunter2@db/entrepot?sslpassword=hunter2',
  });
  expect(shown).not.toContain('hunter2');
  expect(shown).toContain('admin-password = (hidden)');
  expect(shown).toContain('postgres://me:hidden@db/entrepot');
});
