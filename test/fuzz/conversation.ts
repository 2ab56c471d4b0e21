// One connection under fire, and its judge. The sent bytes are cut into frames as the broker must cut them. For each
// frame there must be a response that decodes by the schema, in order, or the end of the connection. A well-formed
// request must get a response.
import { type Address, ByteReader, type Connection, MalformedMessage } from '@milepost/core';
import type { SimNetwork } from '@milepost/simulator';
import {
  type AnyApi,
  ApiVersions,
  FrameAssembler,
  Produce,
  readRequestHeader,
  readResponseHeader,
} from '@milepost/wire';
import { handlerOf } from '../../libs/broker/src/handlers/index.ts';

interface Owed {
  readonly frame: Buffer;
  readonly isWellFormed: boolean;
  readonly api: AnyApi | undefined;
  readonly version: number;
  readonly correlationId: number;
}

/** A forbidden behavior of the broker. */
export class Misbehaviour extends Error {
  override readonly name = 'Misbehaviour';
}

export class Conversation {
  readonly #onAnswer: (answer: unknown) => void;
  readonly #asBroker = new FrameAssembler();
  readonly #asClient = new FrameAssembler();
  readonly #owed: Owed[] = [];
  #connection!: Connection;
  #isBeyondRepair = false;
  #isClosed = false;
  #hasLeft = false;
  /** Requests that got a response, needed none, or ended the connection. */
  readonly judged = { wellFormed: 0, mutated: 0, answered: 0 };
  misbehaviour: Misbehaviour | undefined;

  static async open(network: SimNetwork, address: Address, onAnswer: (answer: unknown) => void): Promise<Conversation> {
    const conversation = new Conversation(onAnswer);
    conversation.#connection = await network.connect(address, {
      bytes: (chunk) => conversation.#attempt(() => conversation.#hear(chunk)),
      drained: () => {},
      closed: () => conversation.#attempt(() => conversation.#closed()),
    });
    return conversation;
  }

  private constructor(onAnswer: (answer: unknown) => void) {
    this.#onAnswer = onAnswer;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }
  /** No response is due any more, or something is wrong. */
  get isSettled(): boolean {
    return this.#isClosed || this.#owed.length === 0 || this.misbehaviour !== undefined;
  }
  /** Silence is allowed: only requests without a response, and then a frame whose end was never sent. */
  get mayStaySilent(): boolean {
    return this.#asBroker.pendingBytes > 0 && this.#owed.every(needsNoAnswer);
  }
  /** The first due response, which all others wait for. */
  get firstOwed(): Owed | undefined {
    return this.#owed[0];
  }

  say(bytes: Buffer, isWellFormed: boolean): void {
    if (this.#isClosed || this.#hasLeft) return;
    this.#connection.send([Buffer.from(bytes)]);
    if (this.#isBeyondRepair) return;
    try {
      for (const frame of this.#asBroker.frames(bytes))
        this.#owed.push(owedFor(frame, isWellFormed && frame.equals(bytes.subarray(4))));
    } catch (failure) {
      if (!(failure instanceof MalformedMessage)) throw failure;
      this.#isBeyondRepair = true;
      this.#owed.push({ frame: bytes, isWellFormed: false, api: undefined, version: -1, correlationId: 0 });
    }
  }

  /** Reads no response from now on. */
  stopListening(): void {
    this.#connection.pause();
  }

  leave(how?: 'abort'): void {
    this.#hasLeft = true;
    if (!this.#isClosed) this.#connection.close(how);
  }

  #hear(chunk: Buffer): void {
    for (const frame of this.#asClient.frames(chunk)) this.#judge(frame);
  }

  #judge(answer: Buffer): void {
    const correlationId = answer.readInt32BE(0);
    let owed = this.#next();
    // With any id: a flipped bit may have given it that of the next request.
    while (owed !== undefined && needsNoAnswer(owed)) owed = this.#next();
    if (owed === undefined) throw new Misbehaviour(`an answer to nothing: correlation id ${correlationId}`);
    if (owed.correlationId !== correlationId)
      throw new Misbehaviour(`answered ${correlationId}, ${describe(owed)} was next`);
    const isAskedInVain = owed.api === ApiVersions && !owed.api.supports(owed.version);
    const version = isAskedInVain ? 0 : owed.version;
    if (!owed.api?.supports(version)) throw new Misbehaviour(`${describe(owed)} is not spoken here, yet was answered`);
    this.judged.answered++;
    this.#onAnswer(decoded(owed, owed.api, version, answer));
  }

  #closed(): void {
    this.#isClosed = true;
    if (this.#hasLeft) return;
    const culprit = this.#next();
    if (culprit?.isWellFormed && !needsNoAnswer(culprit))
      throw new Misbehaviour(`closed instead of answering ${describe(culprit)}`);
  }

  #next(): Owed | undefined {
    const owed = this.#owed.shift();
    if (owed !== undefined) this.judged[owed.isWellFormed ? 'wellFormed' : 'mutated']++;
    return owed;
  }

  #attempt(what: () => void): void {
    try {
      what();
    } catch (failure) {
      this.misbehaviour ??= failure instanceof Misbehaviour ? failure : new Misbehaviour(String(failure));
    }
  }
}

function owedFor(frame: Buffer, isWellFormed: boolean): Owed {
  try {
    const { apiKey, apiVersion, correlationId } = readRequestHeader(new ByteReader(frame));
    return { frame, isWellFormed, api: handlerOf(apiKey)?.api, version: apiVersion, correlationId };
  } catch {
    return { frame, isWellFormed: false, api: undefined, version: -1, correlationId: 0 };
  }
}

/** Produce with acks=0: silence on success, else the end of the connection. */
function needsNoAnswer({ api, version, frame }: Owed): boolean {
  if (api !== Produce || !api.supports(version)) return false;
  try {
    const reader = new ByteReader(frame);
    readRequestHeader(reader);
    return Produce.request(version).read(reader).acks === 0;
  } catch (failure) {
    if (failure instanceof MalformedMessage) return false;
    throw failure;
  }
}

function decoded(owed: Owed, api: AnyApi, version: number, answer: Buffer): unknown {
  try {
    const reader = new ByteReader(answer);
    readResponseHeader(reader, api, version);
    const body: unknown = api.response(version).read(reader);
    if (reader.remaining > 0) throw new Error(`${reader.remaining} bytes are left`);
    return body;
  } catch (failure) {
    throw new Misbehaviour(`the answer to ${describe(owed)} does not decode: ${String(failure)}`);
  }
}

export const describe = ({ api, version, frame }: Owed): string =>
  `${api?.name ?? 'no API'} v${version} ${frame.toString('hex', 0, 400)}`;
