// The WebSocket to the server, reconnected after growing pauses when it is lost.
import type { LiveMessage } from '@milepost/live';
import { url } from './api.ts';
import { isSignedOut } from './session.ts';

const firstPauseMs = 500;
const longestPauseMs = 10_000;

export type ConnectionState = 'connecting' | 'live' | 'lost';

export function connect(onMessage: (message: LiveMessage) => void, onState: (state: ConnectionState) => void): void {
  let pauseMs = firstPauseMs;
  let wasLive = false;

  const open = (): void => {
    const address = url('api/live');
    address.protocol = address.protocol.replace('http', 'ws');
    const socket = new WebSocket(address);
    socket.addEventListener('message', ({ data }: MessageEvent<string>) => {
      pauseMs = firstPauseMs;
      if (!wasLive) onState('live');
      wasLive = true;
      onMessage(JSON.parse(data) as LiveMessage);
    });
    socket.addEventListener('close', () => {
      onState(wasLive ? 'lost' : 'connecting');
      wasLive = false;
      void sendToSignIn();
      setTimeout(open, pauseMs * (0.7 + Math.random() * 0.6));
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    });
  };
  open();
}

/** A session may be over: a WebSocket gives no reason for its refusal. */
async function sendToSignIn(): Promise<void> {
  if (isSignedOut()) return;
  const response = await fetch(url('api/session')).catch(() => undefined);
  if (response?.status === 401) location.reload();
}
