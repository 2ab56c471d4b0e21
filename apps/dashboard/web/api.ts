// Requests to the server's API, relative to the page, which may be below a path of a proxy.

/** An address below the page's own. */
export const url = (path: string): URL => new URL(path, document.baseURI);

/** A response other than 2xx. */
export class RequestFailed extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The caller names the shape that the server's controller declares. */
export const read = <T>(path: string): Promise<T> => send<T>('GET', path);

/** @throws RequestFailed with the server's own message */
export async function send<T>(method: string, path: string, body?: unknown): Promise<T> {
  const json = { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(url(path), { method, ...(body === undefined ? {} : json) });
  const said: unknown = response.status === 204 ? undefined : await response.json().catch(() => undefined);
  if (response.ok) return said as T;
  throw new RequestFailed(response.status, messageIn(said) ?? `The server answered ${response.status}.`);
}

function messageIn(body: unknown): string | undefined {
  const message = (body as { readonly message?: unknown } | null | undefined)?.message;
  return typeof message === 'string' ? message : undefined;
}
