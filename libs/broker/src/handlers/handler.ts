// The shape of a handler: one API of the protocol, what its requests need of an authorizer, and a function from request to
// response. The function checks the needs, before it looks whether a resource exists: a client must not learn what there is
// from what it may not see.
import type { AnyApi, RequestOf, ResponseOf } from '@milepost/wire';
import type { Need } from '../security/needs.ts';
import type { Context } from '../services.ts';

/** `none`: the client expects no response (acks=0); `close`: the connection is closed instead. */
export type Unanswered = 'none' | 'close';

export interface Handler {
  readonly api: AnyApi;
  /** All that a request may need; which of them it needs depends on the request. */
  readonly needs: readonly Need[];
  handle(request: unknown, context: Context): object | Unanswered | Promise<object | Unanswered>;
}

type Handled<A extends AnyApi> = ResponseOf<A> | Unanswered;

export function handler<A extends AnyApi>(
  api: A,
  needs: readonly Need[],
  handle: (request: RequestOf<A>, context: Context) => Handled<A> | Promise<Handled<A>>,
): Handler {
  return { api, needs, handle: handle as Handler['handle'] };
}
