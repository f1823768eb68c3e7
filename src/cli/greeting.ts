// What a start says: to a person the address, the data and commands to try; to a program one JSON line.
import { dockerTrustLines } from '../app/certificate-subject.ts';
import { showAddress } from '../app/check-listening.ts';
import type { Configuration } from '../app/configuration.ts';
import { authorityCertificate } from '../app/local-authority.ts';
import { withoutPassword } from '../app/show-configuration.ts';

export interface Started {
  /** As configured, else the address listened on, with the port that was really taken. */
  readonly url: string;
  readonly version: string;
  /** Of this machine, for an address that means every address. */
  readonly hostname: string;
  /** The administrator's, when this start made it. */
  readonly firstPassword: string | undefined;
}

/** `host:port` as it stands before a repository name in an image reference. */
export function imageHost(configuration: Configuration, started: Started): string {
  if (configuration.url !== undefined) return new URL(configuration.url).host;
  const { hostname, port, protocol } = new URL(started.url);
  const explicit = port || (protocol === 'https:' ? '443' : '80');
  const bare = hostname.replace(/^\[|\]$/g, '');
  if (bare === '0.0.0.0' || bare === '::') {
    // Docker speaks plain HTTP with this machine only.
    return `${protocol === 'https:' ? started.hostname : '127.0.0.1'}:${explicit}`;
  }
  return `${bare === '::1' ? 'localhost' : hostname}:${explicit}`;
}

function places({ data, database, blobs }: Configuration): string {
  const away = [
    ...(database.kind === 'postgres' ? [`the database in ${withoutPassword(database.url)}`] : []),
    ...(blobs.path.startsWith(`${data}/`) ? [] : [`blobs in ${blobs.path}`]),
  ];
  return away.length === 0 ? data : `${data}, ${away.join(', ')}`;
}

/** Said once, at the start that made the account: the password is kept as a hash only. */
function passwordLine({ firstPassword }: Started): string[] {
  if (firstPassword === undefined) return [];
  return [`The administrator is "admin"; the password, shown this once, is ${firstPassword}`];
}

/** With `--tls auto`: how Docker comes to trust the authority that nobody knows yet. */
function trustLines(configuration: Configuration, started: Started): string[] {
  if (configuration.tls.kind !== 'auto') return [];
  const authority = authorityCertificate(configuration.tls.directory);
  const lines = dockerTrustLines(imageHost(configuration, started), authority);
  return [
    'On every machine that is to push or pull, first:',
    ...lines.map((line) => `  ${line}`),
    '',
  ];
}

export function greetPerson(configuration: Configuration, started: Started): string {
  const image = `${imageHost(configuration, started)}/hello-world`;
  return [
    configuration.url === undefined
      ? `Entrepot ${started.version} listens on ${started.url}`
      : `Entrepot ${started.version} listens on ${showAddress(configuration.listen)}; clients use ${started.url}`,
    `The data is in ${places(configuration)}`,
    ...passwordLine(started),
    '',
    ...trustLines(configuration, started),
    'Try it:',
    `  docker login ${imageHost(configuration, started)} --username admin`,
    '  docker pull hello-world',
    `  docker tag hello-world ${image}`,
    `  docker push ${image}`,
    `  docker pull ${image}`,
    '',
    'Ctrl-C stops.',
    '',
  ].join('\n');
}

export function greetProgram(
  configuration: Configuration,
  started: Started,
  timeMs: number,
): string {
  return `${JSON.stringify({
    level: 'info',
    time: new Date(timeMs).toISOString(),
    msg: 'listening',
    url: started.url,
    version: started.version,
    data: configuration.data,
    ...(started.firstPassword !== undefined && {
      administrator: 'admin',
      password: started.firstPassword,
      note: 'the password is shown this once',
    }),
  })}\n`;
}
