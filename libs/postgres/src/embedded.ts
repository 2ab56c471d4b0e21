// A real PostgreSQL of our own, for users without a DATABASE_URL: created on the first start, synced like any other,
// restarted when it dies. One program owns it at a time; it survives the owner's kill -9 as an orphan, which the next
// owner stops and replaces. It prints nothing except through the Logger, and never outlives an owner that ends in any
// other way.
import { join } from 'node:path';
import type { Logger } from '@milepost/core';
import { serverBinaries } from './embedded/binaries.ts';
import { makeCluster } from './embedded/cluster.ts';
import { type Home, homeOf } from './embedded/home.ts';
import { stopOrphan } from './embedded/orphan.ts';
import { takeOwnership } from './embedded/ownership.ts';
import { Server } from './embedded/server.ts';
import { transportOf } from './embedded/transport.ts';

export interface EmbeddedPostgres {
  /** For `connectDatabase`. Holds a password when it is not a Unix socket's. */
  readonly url: string;
  /** The actual folder of the database; differs from `dataDir` if the server's user cannot reach that. */
  readonly folder: string;
  /** Fast shutdown: open transactions are rolled back. Resolves when the server is gone; may be called twice. */
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  readonly dataDir: string;
  readonly logger: Logger;
  /**
   * Listens on 127.0.0.1, for other programs too. Default: a Unix socket, or any free port if a socket is impossible.
   */
  readonly port?: number;
  /** The folder of the database if the server's user cannot reach `dataDir`. Default /var/lib/milepost. */
  readonly elsewhere?: string;
}

/** @throws with one line that has the cure: in use by another program, not writable, no binaries, does not start. */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const home = homeOf(options.dataDir, options.elsewhere ?? '/var/lib/milepost');
  if (home.closed !== undefined)
    options.logger.info({}, `the database lies in ${home.folder}, as its server cannot enter ${home.closed}`);
  const ownership = takeOwnership(home.folder);
  try {
    const server = await serverIn(home, options);
    return {
      url: server.url,
      folder: home.folder,
      stop: async () => {
        await server.stop();
        ownership.release();
      },
    };
  } catch (error) {
    ownership.release();
    throw error;
  }
}

async function serverIn(home: Home, { logger, port }: EmbeddedOptions): Promise<Server> {
  const cluster = join(home.folder, 'cluster');
  await stopOrphan(cluster, logger);
  const binaries = serverBinaries(home, logger);
  await makeCluster(cluster, home, binaries, logger);
  const transport = await transportOf(home, port);
  const server = new Server({ cluster, home, binaries, transport, logger });
  await server.start();
  return server;
}
