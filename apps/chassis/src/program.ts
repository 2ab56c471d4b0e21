// From an environment to a running program and back: reads the settings, builds the Nest application, opens the HTTP
// port (so that /health/live responds during a long recovery), starts the parts, prints the ready line.
import { createRequire } from 'node:module';
import type { Server as TlsServer } from 'node:tls';
import type { Logger } from '@milepost/core';
import { nodeClock } from '@milepost/node-host';
import { type ProgramName, readSettings, type Settings } from '@milepost/settings';
import { createLogger, PrometheusMeter, RepetitionLogger, startTracing } from '@milepost/telemetry';
import type { DynamicModule, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { ChassisModule } from './chassis.module.ts';
import { HttpAuthenticationModule } from './http-authentication.module.ts';
import { HttpTls } from './http-tls.ts';
import { Lifecycle } from './lifecycle.ts';
import { MetricsPort } from './metrics-port.ts';
import { NestLogger } from './nest-logger.ts';
import { ObservationController } from './observation.controller.ts';
import { namingThePort } from './taken-port.ts';
import { reportUnhandledRejections } from './unhandled-rejections.ts';

export interface Program {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly ports: Lifecycle['ports'];
  readonly app: NestFastifyApplication;
  /** Stops everything, in order; a second call waits for the first. */
  stop(): Promise<void>;
}

export interface ProgramOptions {
  readonly name: ProgramName;
  /** The modules of the program; they may depend on its settings. */
  readonly modules: (settings: Settings) => (Type | DynamicModule)[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Cancels the start and stops what had begun. */
  readonly abort?: AbortSignal;
}

/** Largest request body of the HTTP API. */
const BODY_LIMIT_BYTES = 1024 * 1024;
/** The time for a client to send a request. Fastify has none by default, and a body could come byte by byte for days. */
const REQUEST_TIMEOUT_MS = 60_000;

/** Starts a program and resolves when everything listens. On failure nothing is left running. */
export async function startProgram({ name, modules, env = process.env, abort }: ProgramOptions): Promise<Program> {
  const settings = readSettings(name, env);
  const lines = createLogger({ level: settings.logLevel, format: settings.logFormat, name });
  const logger = new RepetitionLogger(lines, nodeClock);
  const stopTracing = await startTracing({ name, version, env, logger });
  const lifecycle = new Lifecycle();
  const meter = new PrometheusMeter((failure) =>
    logger.warn({ reason: String(failure) }, 'a scrape lacks the numbers of a part that could not give them'),
  );
  const stopReporting = reportUnhandledRejections(logger, meter);
  const ready = meter.gauge('milepost_ready', '1: the program can do its work, as /health/ready says.');
  meter.onScrape(() => ready.set(lifecycle.notReady().length === 0 ? 1 : 0));
  const frame = ChassisModule.with({ settings, logger, meter, lifecycle });
  const tls = HttpTls.of(settings, { clock: nodeClock, logger, meter });
  if (tls) lifecycle.register(tls);
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
    ...(tls && { https: tls.options }),
  });
  const app = await NestFactory.create<NestFastifyApplication>(
    { module: Root, imports: [frame, ...modules(settings), ...authentication(settings)] },
    adapter,
    {
      logger: new NestLogger(logger),
      abortOnError: false,
    },
  );
  answerOnlyWhenStarted(app, lifecycle);
  describe(app);
  tls?.attach(app.getHttpServer() as object as TlsServer);
  const metricsPort = new MetricsPort(app.get(ObservationController, { strict: false }));
  const stop = async (): Promise<void> => {
    try {
      await lifecycle.stop();
    } finally {
      await app.close();
      await metricsPort.close();
      await stopTracing();
      stopReporting();
      logger.flush();
    }
  };
  const aborted = (): void => void lifecycle.stop();
  abort?.addEventListener('abort', aborted, { once: true });
  try {
    await app.init();
    await adapter.getInstance().listen({ port: settings.httpPort, host: settings.httpListen ?? settings.listen }); // Nest's own logs a failure too
    lifecycle.opened('http', (app.getHttpServer().address() as { port: number }).port);
    if (settings.metricsPort !== undefined)
      lifecycle.opened('metrics', await metricsPort.open(settings, settings.metricsPort));
    await lifecycle.start();
  } catch (error) {
    await stop().catch((failure: unknown) => logger.warn({ failure: String(failure) }, 'could not stop cleanly'));
    logger.flush();
    throw namingThePort(error, settings);
  } finally {
    abort?.removeEventListener('abort', aborted);
  }
  return { settings, logger, ports: lifecycle.ports, app, stop };
}

const { version } = createRequire(import.meta.url)('../../../package.json') as { version: string };

class Root {}

const authentication = ({ httpAuthentication }: Settings): Type[] =>
  httpAuthentication === 'required' ? [HttpAuthenticationModule] : [];

/** Until the parts have started only health and metrics are served; other requests get 503. */
function answerOnlyWhenStarted(app: NestFastifyApplication, lifecycle: Lifecycle): void {
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onRequest', async (request, reply) => {
      if (request.url.startsWith('/health') || request.url.startsWith('/metrics') || lifecycle.hasStarted) return;
      await reply.code(503).header('retry-after', '1').send({ status: 'not ready', reasons: lifecycle.notReady() });
    });
}

function describe(app: NestFastifyApplication): void {
  const document = new DocumentBuilder().setTitle('Milepost').setVersion(version).build();
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, document));
}
