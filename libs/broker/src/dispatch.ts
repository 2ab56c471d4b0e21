// From a frame to its handler and back: the only place that parses, counts and refuses requests and encodes responses.
//
// Promises: an API or version that is not in the list of handlers ends the connection, as in Kafka. Only ApiVersions of
// an unknown version gets a response, in version 0, without its body being read (KIP-511).
import {
  ByteReader,
  type Clock,
  ErrorCode,
  errorName,
  type Histogram,
  type Logger,
  type Counter,
} from '@milepost/core';
import { ApiVersions, Produce, readRequestHeader, type RequestHeader, responseFrame } from '@milepost/wire';
import type { Answer, Dispatch, Peer, Reply } from './network/connection.ts';
import type { ClientSession } from './security/client-session.ts';
import { type Handler, handlerOf } from './handlers/index.ts';
import type { Unanswered } from './handlers/handler.ts';
import type { Context, Services } from './services.ts';

const DURATION_BUCKETS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export class Dispatcher implements Dispatch {
  readonly #services: Services;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #requests: Counter;
  readonly #errors: Counter;
  readonly #durations: Histogram;

  constructor(services: Services) {
    this.#services = services;
    const { meter, clock, logger } = services.host;
    this.#clock = clock;
    this.#logger = logger;
    this.#requests = meter.counter('kafka_network_requestmetrics_requests_total', 'Requests, by API and version.', [
      'request',
      'version',
    ]);
    this.#errors = meter.counter('milepost_kafka_request_errors_total', 'Error codes answered, by API.', [
      'api',
      'error',
    ]);
    this.#durations = meter.histogram(
      'milepost_kafka_request_duration_seconds',
      'From the complete frame to the response, including waits.',
      DURATION_BUCKETS_SECONDS,
      ['api'],
    );
  }

  mayOverlap(frame: Buffer): boolean {
    return isProduce(frame);
  }

  /** What waits afterwards knows offsets, not records. */
  isReadAtOnce(frame: Buffer): boolean {
    return isProduce(frame);
  }

  dispatch(frame: Buffer, peer: Peer): Answer | Promise<Answer> {
    const { session } = peer;
    if (session.expectsBareToken) return bareToken(frame, session);
    const started = this.#clock.monotonic();
    const reader = new ByteReader(frame);
    const header = readRequestHeader(reader);
    if (!session.admits(header.apiKey)) return this.#shutOut(header, peer);
    const handler = handlerOf(header.apiKey);
    if (!handler?.api.supports(header.apiVersion)) return this.#refuse(header, peer);
    const request: unknown = handler.api.request(header.apiVersion).read(reader);
    const { name } = handler.api;
    const quotaClient = { user: session.principal.name, clientId: header.clientId ?? '' };
    let throttleMs = 0;
    let taken: (() => void) | undefined;
    let isLast = false;
    const context: Context = {
      services: this.#services,
      apiVersion: header.apiVersion,
      clientId: header.clientId ?? '',
      peer,
      permissions: this.#services.clients.authorization.permissionsOf(peer, handler.needs),
      quotaClient,
      throttle: (ms) => {
        throttleMs = Math.max(throttleMs, ms);
      },
      whenTaken: (run) => {
        taken = run;
      },
      closeAfter: () => {
        isLast = true;
      },
      count: (error) => {
        if (error !== ErrorCode.NONE) this.#errors.add(1, { api: name, error: errorName(error) });
      },
    };
    let workedMs = 0;
    const finish = (response: object | Unanswered): Answer => {
      this.#durations.observe((this.#clock.monotonic() - started) / 1000, { api: name });
      this.#requests.add(1, { request: name, version: String(header.apiVersion) });
      const workingSince = this.#clock.monotonic();
      const muteMs = Math.max(throttleMs, this.#services.clients.quotas.worked(quotaClient, workedMs));
      peer.mute(muteMs);
      if (typeof response === 'string') return response;
      const throttled = muteMs > 0 ? Object.assign({}, response, { throttleTimeMs: muteMs }) : response;
      const answer = this.#answer(handler, header, throttled, taken);
      this.#services.clients.quotas.workedMore(quotaClient, this.#clock.monotonic() - workingSince);
      return isLast ? { ...answer, isLast } : answer;
    };
    const failed = (failure: unknown): Answer => this.#failed(failure, name, header, peer);
    try {
      const response = handler.handle(request, context);
      // A wait is not work. What a handler does after one is not measured; it is little.
      workedMs = this.#clock.monotonic() - started;
      return response instanceof Promise ? response.then(finish).catch(failed) : finish(response);
    } catch (failure) {
      return failed(failure);
    }
  }

  /** A handler that throws is a bug of ours. For an unexpected failure, Kafka too closes the connection. */
  #failed(failure: unknown, api: string, { apiVersion, clientId }: RequestHeader, { host }: Peer): Answer {
    this.#errors.add(1, { api, error: errorName(ErrorCode.UNKNOWN_SERVER_ERROR) });
    this.#logger.error(
      { client: host, clientId, api, apiVersion, err: failure },
      `connection closed: ${api} in version ${apiVersion} failed`,
    );
    return 'close';
  }

  #answer({ api }: Handler, header: RequestHeader, response: object, taken?: () => void): Reply {
    const { apiVersion, correlationId } = header;
    const chunks = responseFrame(api, apiVersion, correlationId, response as Record<string, never>);
    return taken ? { chunks, taken } : { chunks };
  }

  /** As in Kafka: a request that is not part of the authentication gets no response before it has succeeded. */
  #shutOut({ apiKey }: RequestHeader, { host, session }: Peer): Answer {
    if (!session.isOpen)
      this.#logger.info(
        { client: host, apiKey },
        `connection closed: API ${apiKey} before the client has authenticated`,
      );
    return 'close';
  }

  #refuse({ apiKey, apiVersion, correlationId }: RequestHeader, peer: Peer): Answer {
    if (apiKey === ApiVersions.key) {
      const { key, oldest, newest } = ApiVersions;
      const apiKeys = [{ apiKey: key, minVersion: oldest, maxVersion: newest }];
      const answer = { errorCode: ErrorCode.UNSUPPORTED_VERSION, apiKeys };
      return { chunks: responseFrame(ApiVersions, 0, correlationId, answer) };
    }
    this.#logger.warn(
      { client: peer.host, apiKey, apiVersion },
      `connection closed: API ${apiKey} in version ${apiVersion} is not supported`,
    );
    return 'close';
  }
}

/** After SaslHandshake version 0 a token is a whole frame, in both directions; a refused client gets none. */
async function bareToken(frame: Buffer, session: ClientSession): Promise<Answer> {
  const outcome = await session.authenticate(Buffer.from(frame));
  if (!outcome || 'refused' in outcome) return 'close';
  const length = Buffer.alloc(4);
  length.writeInt32BE(outcome.response.length);
  return { chunks: [length, outcome.response] };
}

const isProduce = (frame: Buffer): boolean => frame.length >= 2 && frame.readInt16BE(0) === Produce.key;
