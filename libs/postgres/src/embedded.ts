import type { Logger } from '@milepost/core';

export interface EmbeddedPostgres {
  /** For `connectDatabase`. */
  readonly url: string;
  /** Where the database really lies; differs from `dataDir` where the server's user cannot reach that. */
  readonly folder: string;
  /** Fast shutdown: open transactions are rolled back. Resolves when the server is gone; may be called twice. */
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  readonly dataDir: string;
  readonly logger: Logger;
  /** Also on 127.0.0.1, for other programs. Default: a Unix socket only. */
  readonly port?: number;
}

export declare function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres>;
