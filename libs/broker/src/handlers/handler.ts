// The shape of a handler: one API of the protocol, and a function from request to response.
import type { AnyApi, RequestOf, ResponseOf } from '@milepost/wire';
import type { Context } from '../services.ts';

/** `none`: the client expects no response (acks=0); `close`: the connection is closed instead. */
export type Unanswered = 'none' | 'close';

export interface Handler {
  readonly api: AnyApi;
  handle(request: unknown, context: Context): object | Unanswered | Promise<object | Unanswered>;
}

type Handled<A extends AnyApi> = ResponseOf<A> | Unanswered;

export function handler<A extends AnyApi>(
  api: A,
  handle: (request: RequestOf<A>, context: Context) => Handled<A> | Promise<Handled<A>>,
): Handler {
  return { api, handle: handle as Handler['handle'] };
}
