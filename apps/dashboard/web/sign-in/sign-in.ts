// Signing in, and changing a password that somebody else gave. The password is retained nowhere but in this page until then.
import { send } from '../api.ts';
import { byId } from '../dom.ts';
import { applyStoredTheme } from '../theme.ts';

const signIn = byId('sign-in', HTMLFormElement);
const newPassword = byId('new-password', HTMLFormElement);
const problem = byId('problem');
/** With the view of the address that was opened. */
const map = new URL(`../${location.hash}`, document.baseURI);

let password = '';

applyStoredTheme();
signIn.addEventListener('submit', (event) => {
  event.preventDefault();
  void attempt(signIn, async (fields) => {
    const { mustChangePassword } = await send<{ readonly mustChangePassword: boolean }>('POST', '../api/session', {
      username: fields['username'],
      password: fields['password'],
    });
    if (!mustChangePassword) return location.replace(map);
    password = fields['password'] ?? '';
    signIn.hidden = true;
    newPassword.hidden = false;
    newPassword.querySelector('input')?.focus();
  });
});
newPassword.addEventListener('submit', (event) => {
  event.preventDefault();
  void attempt(newPassword, async (fields) => {
    const { newPassword: chosen, again } = fields;
    if (chosen !== again) throw new Error('The two new passwords differ.');
    await send('PUT', '../api/session/password', { password, newPassword: chosen });
    location.replace(map);
  });
});

type Fields = Readonly<Record<string, string | undefined>>;

async function attempt(form: HTMLFormElement, work: (fields: Fields) => Promise<void>): Promise<void> {
  const button = form.querySelector('button');
  problem.hidden = true;
  button?.setAttribute('disabled', '');
  try {
    await work(Object.fromEntries(new FormData(form)) as Fields); // no field is a file
  } catch (error) {
    problem.textContent = sentence((error as Error).message);
    problem.hidden = false;
  } finally {
    button?.removeAttribute('disabled');
  }
}

function sentence(text: string): string {
  const full = text.endsWith('.') ? text : `${text}.`;
  return full.charAt(0).toUpperCase() + full.slice(1);
}
