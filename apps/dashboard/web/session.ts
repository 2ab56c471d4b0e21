// The signed-in user, who does not change while the page is open: signing out loads it again.
import type { SessionUser, SessionView } from '../src/views.ts';
import { read, send, stopReading } from './api.ts';

let known: SessionUser | null | undefined;
let isOver = false;

/** Null where nobody needs to sign in. */
export async function signedInUser(): Promise<SessionUser | null> {
  if (known === undefined) known = (await read<SessionView>('api/session')).user;
  return known;
}

/** Whether the user may change rules, routes and devices. The server decides; the page only leaves out buttons that it would refuse. */
export async function mayOperate(): Promise<boolean> {
  return (await signedInUser())?.role !== 'viewer';
}

/** Whether there are users and the user may change them. */
export async function mayManageUsers(): Promise<boolean> {
  return (await signedInUser())?.role === 'admin';
}

/** Whether requests are refused from now on: the page is about to be loaded again. */
export const isSignedOut = (): boolean => isOver;

export async function signOut(): Promise<void> {
  isOver = true;
  stopReading(); // it would be refused once the session has ended
  await send('DELETE', 'api/session').catch(() => undefined);
  location.reload();
}
