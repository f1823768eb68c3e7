// The version of the program, from the one place where it stands.
import { version } from '../../package.json' with { type: 'json' };

export function programVersion(): string {
  return version;
}
