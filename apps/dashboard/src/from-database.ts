// What the API has in PostgreSQL. A dashboard that runs alone has it if DATABASE_URL is set; otherwise, and while the database is away,
// such a request is a 503 that says so.
import { TransactionLost } from '@milepost/postgres';
import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  type FactoryProvider,
  ServiceUnavailableException,
} from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATABASE } from '../../chassis/src/index.ts';

/** `what`: in the plural, such as "the rules". The provided function throws where the program has no database. */
export function fromDatabase<T, Injected extends unknown[]>(
  token: symbol,
  what: string,
  make: (database: DataSource, ...injected: Injected) => T,
  inject: readonly symbol[] = [],
): FactoryProvider<() => T> {
  return {
    provide: token,
    useFactory:
      (database: (() => DataSource) | undefined, ...injected: Injected) =>
      () => {
        if (database) return make(database(), ...injected);
        throw new ServiceUnavailableException(`${what} are in PostgreSQL: set DATABASE_URL for the dashboard`);
      },
    inject: [{ token: DATABASE, optional: true }, ...inject],
  };
}

interface Reply {
  code(status: number): Reply;
  send(body: object): unknown;
}

@Catch(TransactionLost)
export class DatabaseAway implements ExceptionFilter<TransactionLost> {
  catch({ message }: TransactionLost, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<Reply>();
    void reply.code(503).send({ statusCode: 503, error: 'Service Unavailable', message });
  }
}
