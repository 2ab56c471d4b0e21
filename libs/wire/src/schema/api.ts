// One API of the protocol: its number, its versions, its request and its response. Everything else is derived.
import { invariant } from '@milepost/core';
import { type Codec, compile } from './compile.ts';
import type { Decoded, Encodable, Shape } from './field.ts';

export interface ApiSpec<Req extends Shape, Res extends Shape> {
  readonly key: number;
  readonly name: string;
  readonly versions: readonly [oldest: number, newest: number];
  /** First version with compact lengths and tagged fields (KIP-482). */
  readonly flexible: number | 'never';
  readonly request: Req;
  readonly response: Res;
}

export class Api<Req extends Shape = Shape, Res extends Shape = Shape> {
  readonly spec: ApiSpec<Req, Res>;
  readonly #requests: Codec<Decoded<Req>, Encodable<Req>>[] = [];
  readonly #responses: Codec<Decoded<Res>, Encodable<Res>>[] = [];

  constructor(spec: ApiSpec<Req, Res>) {
    this.spec = spec;
  }

  get key(): number {
    return this.spec.key;
  }
  get name(): string {
    return this.spec.name;
  }
  get oldest(): number {
    return this.spec.versions[0];
  }
  get newest(): number {
    return this.spec.versions[1];
  }
  supports(version: number): boolean {
    return this.oldest <= version && version <= this.newest;
  }
  isFlexible(version: number): boolean {
    return this.spec.flexible !== 'never' && version >= this.spec.flexible;
  }

  /**
   * Compiled on first use. Strict when writing: a value that the version cannot carry throws, unless it is ignorable or
   * its default.
   */
  request(version: number): Codec<Decoded<Req>, Encodable<Req>> {
    return (this.#requests[version] ??= this.#compile('request', version));
  }
  /**
   * Compiled on first use. Lenient when writing: fields that the version lacks are left out, so that a handler serves
   * all versions alike.
   */
  response(version: number): Codec<Decoded<Res>, Encodable<Res>> {
    return (this.#responses[version] ??= this.#compile('response', version));
  }

  #compile<Out, In>(direction: 'request' | 'response', version: number): Codec<Out, In> {
    const { name, oldest, newest } = this;
    invariant(this.supports(version), () => `${name} has versions ${oldest} to ${newest}, asked for ${version}`);
    return compile(this.spec[direction], {
      name: `${name} ${direction}`,
      version,
      flexible: this.isFlexible(version),
      strict: direction === 'request',
    });
  }
}

export function api<Req extends Shape, Res extends Shape>(spec: ApiSpec<Req, Res>): Api<Req, Res> {
  return new Api(spec);
}

export type AnyApi = Api<any, any>;

/** A request as a broker receives it: every field is present. */
export type RequestOf<A> = A extends Api<infer Req, infer _> ? Decoded<Req> : never;
/** A response as a broker returns it: defaults may be left out. */
export type ResponseOf<A> = A extends Api<infer _, infer Res> ? Encodable<Res> : never;
/** The client's side of both. */
export type RequestInput<A> = A extends Api<infer Req, infer _> ? Encodable<Req> : never;
export type ResponseOutput<A> = A extends Api<infer _, infer Res> ? Decoded<Res> : never;
