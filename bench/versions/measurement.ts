// What a measurement of versions is given.
import type { Registry } from '../registries.ts';
import type { SeedShape } from '../seed-versions.ts';

export interface Measurement {
  readonly shape: SeedShape;
  readonly data: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly pushRate: number;
  start(environment?: Readonly<Record<string, string>>): Promise<Registry>;
}
