// Nest's own log lines through our Logger: its errors and warnings unchanged, everything else at debug.
import type { Logger } from '@milepost/core';
import type { LoggerService } from '@nestjs/common';

export class NestLogger implements LoggerService {
  readonly #logger: Logger;
  constructor(logger: Logger) {
    this.#logger = logger;
  }
  log(message: unknown, context?: unknown): void {
    this.#logger.debug({ context }, String(message));
  }
  debug(message: unknown, context?: unknown): void {
    this.#logger.debug({ context }, String(message));
  }
  verbose(message: unknown, context?: unknown): void {
    this.#logger.debug({ context }, String(message));
  }
  warn(message: unknown, context?: unknown): void {
    this.#logger.warn({ context }, String(message));
  }
  error(message: unknown, ...context: unknown[]): void {
    this.#logger.error({ context }, String(message));
  }
}
