// Requests to the server's API, relative to the map, which may be below a path of a proxy.

/** An address below that of the map, which other pages name in `data-map`. */
export const url = (path: string): URL =>
  new URL(path, new URL(document.documentElement.dataset['map'] ?? '', document.baseURI));

/** A response other than 2xx. */
export class RequestFailed extends Error {
  readonly status: number;
  /** The field of the request that is wrong, such as `schedule.from`. */
  readonly field: string | undefined;
  /** Of an imported list: a line for each broken entry. */
  readonly broken: readonly string[];

  constructor(status: number, message: string, field?: string, broken: readonly string[] = []) {
    super(message);
    this.status = status;
    this.field = field;
    this.broken = broken;
  }
}

const reading = new AbortController();

/** The caller names the shape that the server's controller declares. */
export const read = <T>(path: string): Promise<T> => send<T>('GET', path, undefined, reading.signal);

/** Ends what is being read, and reads nothing more: the page is about to be loaded again. */
export const stopReading = (): void => reading.abort();

/** @throws RequestFailed with the server's own message */
export async function send<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const response = await fetch(url(path), { method, ...jsonOf(body), ...(signal && { signal }) });
  if (!response.ok) throw await failure(response);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** A response of one JSON object a line, each as it arrives. A Blob is sent with its own type. @throws RequestFailed */
export async function* sendForLines<T>(path: string, body: unknown, signal: AbortSignal): AsyncGenerator<T> {
  const sent = body instanceof Blob ? { headers: { 'content-type': body.type }, body } : jsonOf(body);
  const response = await fetch(url(path), { method: 'POST', ...sent, signal });
  if (!response.ok || !response.body) throw await failure(response);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    text += part.value;
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as T;
  }
}

const jsonOf = (body: unknown): RequestInit =>
  body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };

async function failure(response: Response): Promise<RequestFailed> {
  const said: unknown = await response.json().catch(() => undefined);
  const message = textIn(said, 'message') ?? `The server answered ${response.status}.`;
  const { broken } = (said ?? {}) as { readonly broken?: readonly string[] };
  return new RequestFailed(response.status, message, textIn(said, 'field'), broken);
}

function textIn(body: unknown, name: 'message' | 'field'): string | undefined {
  const text = (body as Readonly<Record<string, unknown>> | null | undefined)?.[name];
  return typeof text === 'string' ? text : undefined;
}
