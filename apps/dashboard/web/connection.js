// The WebSocket to the server, reconnected after growing pauses when it is lost.

const firstPauseMs = 500;
const longestPauseMs = 10_000;

/** `onState`: 'connecting', 'live' or 'lost'. */
export function connect(onMessage, onState) {
  let pauseMs = firstPauseMs;
  let wasLive = false;

  const open = () => {
    const url = new URL('api/live', document.baseURI);
    url.protocol = url.protocol.replace('http', 'ws');
    const socket = new WebSocket(url);
    socket.addEventListener('message', ({ data }) => {
      pauseMs = firstPauseMs;
      if (!wasLive) onState('live');
      wasLive = true;
      onMessage(JSON.parse(data));
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

/** A session may be over; the WebSocket does not tell why it was refused. */
async function sendToSignIn() {
  const response = await fetch(new URL('api/session', document.baseURI)).catch(() => undefined);
  if (response?.status === 401) location.reload();
}
