// Failures as Confluent's clients read them: {"error_code": 40401, "message": "…"}.
import type { Logger } from '@milepost/core';
import { RegistryRefusal } from '@milepost/registry';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Inject } from '@nestjs/common';
import { LOGGER } from '../../chassis/src/index.ts';

/** The store does not respond. */
const STORE_ERROR = 50_001;

interface Reply {
  code(status: number): Reply;
  send(body: object): unknown;
}

@Catch()
export class Refusals implements ExceptionFilter {
  constructor(@Inject(LOGGER) private readonly logger: Logger) {}

  catch(failure: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<Reply>();
    if (failure instanceof RegistryRefusal)
      reply.code(failure.status).send({ error_code: failure.code, message: failure.message });
    else if (failure instanceof HttpException)
      reply.code(failure.getStatus()).send({ error_code: failure.getStatus(), message: failure.message });
    else {
      this.logger.warn({ reason: String(failure) }, 'the schema registry could not respond');
      reply.code(500).send({ error_code: STORE_ERROR, message: 'the database does not answer: try again in a moment' });
    }
  }
}
