// A histogram in plain numbers: an observation is two additions, where that of prom-client costs a
// microsecond, and nothing is loaded for it. prometheus.ts tells of it.

interface Series {
  /** Observations by the first bucket that they fit; the last place is above all bounds. */
  readonly counts: Float64Array;
  sum: number;
}

export interface HistogramOptions {
  readonly name: string;
  readonly help: string;
  /** What sets series apart; none: there is one series, from the beginning. */
  readonly labels: readonly string[];
  /** Upper bounds, rising. */
  readonly buckets: readonly number[];
}

/** One number of a series, as Prometheus knows it. */
export interface HistogramValue {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

export class Histogram {
  readonly options: HistogramOptions;
  readonly #series = new Map<string, Series>();

  constructor(options: HistogramOptions) {
    this.options = options;
    if (options.labels.length === 0) this.#open('');
  }

  /** `key`: the values of the labels, in their order, with a space between. */
  observe(value: number, key = ''): void {
    const { buckets } = this.options;
    const series = this.#series.get(key) ?? this.#open(key);
    let place = 0;
    while (place < buckets.length && value > (buckets[place] as number)) place += 1;
    series.counts[place] = (series.counts[place] as number) + 1;
    series.sum += value;
  }

  values(): HistogramValue[] {
    const { name, buckets } = this.options;
    return [...this.#series].flatMap(([key, { counts, sum }]) => {
      const labels = this.#labelsOf(key);
      let below = 0;
      const rows = [...counts].map((count, place) => {
        below += count;
        const le = buckets[place] ?? '+Inf';
        return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: below };
      });
      return [
        ...rows,
        { metricName: `${name}_sum`, labels, value: sum },
        { metricName: `${name}_count`, labels, value: below },
      ];
    });
  }

  #open(key: string): Series {
    const series = { counts: new Float64Array(this.options.buckets.length + 1), sum: 0 };
    this.#series.set(key, series);
    return series;
  }

  #labelsOf(key: string): Record<string, string> {
    const values = key.split(' ');
    return Object.fromEntries(this.options.labels.map((label, at) => [label, values[at] ?? '']));
  }
}
