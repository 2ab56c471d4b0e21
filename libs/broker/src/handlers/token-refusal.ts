// Whether a client may use delegation tokens at all on its connection.
import { ErrorCode } from '@milepost/core';
import { type Refusal, refusal } from '../refusal.ts';
import { mayUseTokens } from '../security/delegation-tokens.ts';
import type { Context } from '../services.ts';

export function refusalOfTokens({ peer, services }: Context): Refusal | undefined {
  const listener = services.settings.security.listeners.find(({ name }) => name === peer.listener);
  return listener && mayUseTokens(listener.protocol, peer.session) ? undefined : NOT_ALLOWED;
}

const NOT_ALLOWED = refusal(
  ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED,
  'Delegation Token requests are not allowed on PLAINTEXT/1-way SSL channels and on delegation token authenticated channels.',
);
