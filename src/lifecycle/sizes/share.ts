// How much of some bytes is their owner's alone. Each blob counts once, however many manifests name it.
import type { Holder } from '../../metadata/blob-holders.ts';

/** In bytes; `exclusive`, `keptByHistory` and `shared` add up to `bytes`. */
export interface Share {
  readonly bytes: number;
  readonly blobs: number;
  /** Nothing else in the registry holds them: deleting frees them, when its time in the trash is over. */
  readonly exclusive: number;
  /** Else only trash and history hold them: they are freed when that is over too. */
  readonly keptByHistory: number;
  /** Something else that is live holds them: deleting does not free them. */
  readonly shared: number;
}

export class ShareSum {
  readonly #bytes = { nobody: 0, history: 0, live: 0 };
  #blobs = 0;

  /** @param holder who else has it. */
  add(size: number, holder: Holder): void {
    this.#bytes[holder] += size;
    this.#blobs += 1;
  }

  remove(size: number, holder: Holder): void {
    this.#bytes[holder] -= size;
    this.#blobs -= 1;
  }

  get share(): Share {
    const { nobody, history, live } = this.#bytes;
    return {
      bytes: nobody + history + live,
      blobs: this.#blobs,
      exclusive: nobody,
      keptByHistory: history,
      shared: live,
    };
  }
}
