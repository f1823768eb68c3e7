import { expect, test } from 'bun:test';
import { loadConfiguration } from '../app/configuration.ts';
import { greetPerson, greetProgram, imageHost } from './greeting.ts';

const load = (flags: Record<string, string | true> = {}) =>
  loadConfiguration({ flags, env: {}, readFile: () => undefined, directory: '/place' });
const started = (url: string, firstPassword?: string) => ({
  url,
  version: '1.2.3',
  hostname: 'build-7',
  firstPassword,
});

test.each([
  ['http://127.0.0.1:5000', '127.0.0.1:5000'],
  ['http://[::1]:5000', 'localhost:5000'],
  ['http://0.0.0.0:5000', '127.0.0.1:5000'],
  ['https://0.0.0.0:5000', 'build-7:5000'],
  ['https://[::]:443', 'build-7:443'],
  ['https://192.0.2.1:5000', '192.0.2.1:5000'],
])('images of %s are named %s/…', (url, host) => {
  expect(imageHost(load(), started(url))).toBe(host);
});

test('a person learns the address, where the data is, how to sign in, and what to try', () => {
  const text = greetPerson(load(), started('http://127.0.0.1:5000', 'made-up'));
  expect(text).toContain('listens on http://127.0.0.1:5000');
  expect(text).toContain('The data is in /place/data');
  expect(text).toContain('docker tag hello-world 127.0.0.1:5000/hello-world');
  expect(text).toContain('docker push 127.0.0.1:5000/hello-world');
  expect(text).toContain('docker login 127.0.0.1:5000 --username admin');
  expect(text).toContain('the password, shown this once, is made-up');
  expect(greetPerson(load(), started('http://127.0.0.1:5000'))).not.toContain('shown this once');
});

test('with an address of its own, that one is used in the commands', () => {
  const configuration = load({ url: 'https://registry.example.com' });
  const text = greetPerson(configuration, started('https://registry.example.com'));
  expect(text).toContain('listens on 127.0.0.1:5000; clients use https://registry.example.com');
  expect(text).toContain('docker push registry.example.com/hello-world');
});

test('other places of the data are named, without the password of the database', () => {
  const configuration = load({
    listen: '0.0.0.0:5000',
    'insecure-listen': true,
    database: 'postgres://me:hunter2@db/entrepot',
    blobs: 'file:/mnt/blobs',
  });
  const text = greetPerson(configuration, started('http://0.0.0.0:5000'));
  expect(text).toContain('the database in postgres://me:hidden@db/entrepot, blobs in /mnt/blobs');
});

test('a program gets one line of JSON', () => {
  const line = greetProgram(load(), started('http://127.0.0.1:5000'), 0);
  expect(line.indexOf('\n')).toBe(line.length - 1);
  expect(JSON.parse(line)).toMatchObject({
    level: 'info',
    time: '1970-01-01T00:00:00.000Z',
    msg: 'listening',
    url: 'http://127.0.0.1:5000',
    data: '/place/data',
  });
});

test('with an authority of its own, the lines that make Docker trust it', () => {
  const text = greetPerson(
    load({ tls: 'auto', listen: '0.0.0.0:5000' }),
    started('https://0.0.0.0:5000'),
  );
  expect(text).toContain('sudo mkdir -p /etc/docker/certs.d/build-7:5000\n');
  expect(text).toContain(
    'sudo cp /place/data/tls/authority.crt /etc/docker/certs.d/build-7:5000/ca.crt',
  );
});
