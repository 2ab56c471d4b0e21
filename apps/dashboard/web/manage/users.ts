// Users and tokens, for admins. A password and a token are shown once: the server has only what checks them.
import type { HttpToken, HttpUser, Role } from '@milepost/security';
import { read, send } from '../api.ts';
import { h } from '../dom.ts';
import { mayManageUsers, signedInUser } from '../session.ts';
import { armedButton, labelled, type ManagePage, openDialog, secretBox, Status, table, timeOf } from './page.ts';

/** As JSON has it. */
type Token = Omit<HttpToken, 'createdAt' | 'expiresAt'> & {
  readonly createdAt: string;
  readonly expiresAt: string | null;
};

const roles: Readonly<Record<Role, string>> = {
  viewer: 'Viewer: sees everything but users',
  operator: 'Operator: changes trucks, rules, routes and devices, too',
  admin: 'Admin: changes users, too',
};

export class UsersPage implements ManagePage {
  readonly element = h('section', {});
  readonly #status = new Status();
  readonly #users = h('div', { class: 'table', 'data-testid': 'users' });
  readonly #tokens = h('div', { class: 'table', 'data-testid': 'tokens' });

  async show(): Promise<void> {
    if (await mayManageUsers()) {
      this.element.replaceChildren(
        h(
          'div',
          { class: 'buttons' },
          primary('New user', () => this.#newUser()),
        ),
        this.#status.element,
        this.#users,
        h('h2', {}, 'Tokens of scripts'),
        h(
          'div',
          { class: 'buttons' },
          primary('New token', () => this.#newToken()),
        ),
        this.#tokens,
      );
      return this.#load();
    }
    const reason = (await signedInUser())
      ? 'Users are changed by admins.'
      : 'Nobody needs to sign in here. `npx milepost secure` prepares signing in: see docs/SECURITY.md.';
    this.element.replaceChildren(h('p', { class: 'note' }, reason));
  }

  async #load(): Promise<void> {
    try {
      const [users, tokens] = await Promise.all([
        read<readonly HttpUser[]>('api/users'),
        read<readonly Token[]>('api/tokens'),
      ]);
      this.#users.replaceChildren(
        table('Users', ['User', 'Role', 'Password', ''], users, (user) => this.#userCells(user)),
      );
      this.#tokens.replaceChildren(
        ...(tokens.length === 0
          ? []
          : [table('Tokens', ['Token', 'Role', 'Made', 'Ends', ''], tokens, (token) => this.#tokenCells(token))]),
      );
    } catch (error) {
      this.#status.fail(error);
    }
  }

  #userCells({ mustChangePassword, name, role }: HttpUser) {
    const path = pathOf('users', name);
    const select = roleSelect(role, `Role of ${name}`);
    select.addEventListener('change', () => {
      void this.#change(() => send('PUT', path, { role: select.value }), `${name} is ${select.value} now.`);
    });
    const renew = armedButton('New password', 'The old one ends. Sure?', async () => {
      const password = oneTimePassword();
      const isSet = await this.#change(() => send('PUT', path, { role, password }), `${name} has a new password.`);
      if (isSet) openDialog(name, secretBox(`The one-time password of ${name}`, password));
    });
    const remove = armedButton('Remove', 'Remove for good?', async () => {
      await this.#change(() => send('DELETE', path), `${name} is removed.`);
    });
    return [
      name,
      select,
      mustChangePassword ? h('span', { class: 'muted' }, 'To be changed at the next sign-in') : 'Own',
      h('div', { class: 'buttons' }, renew, remove),
    ];
  }

  #tokenCells({ createdAt, expiresAt, name, role }: Token) {
    const remove = armedButton('Remove', 'Remove for good?', async () => {
      await this.#change(() => send('DELETE', pathOf('tokens', name)), `The token ${name} is removed.`);
    });
    return [name, role, timeOf(createdAt, ''), timeOf(expiresAt, 'Never'), remove];
  }

  /** Returns whether it succeeded. */
  async #change(work: () => Promise<unknown>, said: string): Promise<boolean> {
    try {
      await work();
      this.#status.say(said);
      return true;
    } catch (error) {
      this.#status.fail(error);
      return false;
    } finally {
      await this.#load();
    }
  }

  #newUser(): void {
    const name = nameInput();
    const role = roleSelect('viewer', 'Role');
    openForm('New user', [labelled('User name', name), labelled('Role', role)], 'Add', async () => {
      const password = oneTimePassword();
      const users = await read<readonly HttpUser[]>('api/users');
      if (users.some((user) => user.name === name.value)) throw new Error(`There is a user ${name.value} already.`);
      await send('PUT', pathOf('users', name.value), { role: role.value, password });
      void this.#load();
      return secretBox(`The one-time password of ${name.value}`, password);
    });
  }

  #newToken(): void {
    const name = nameInput();
    const role = roleSelect('viewer', 'Role');
    const days = h('input', { type: 'number', min: 1, max: 3650, placeholder: 'never ends', inputmode: 'numeric' });
    const fields = [labelled('Name', name), labelled('Role', role), labelled('Ends after days', days)];
    openForm('New token', fields, 'Make it', async () => {
      const body = { name: name.value, role: role.value, ...(days.value !== '' && { days: Number(days.value) }) };
      const { token } = await send<{ readonly token: string }>('POST', 'api/tokens', body);
      void this.#load();
      return secretBox(`The token ${name.value}`, token);
    });
  }
}

const primary = (text: string, onclick: () => void): HTMLElement =>
  h('button', { type: 'button', class: 'primary', onclick }, text);

const nameInput = (): HTMLInputElement =>
  h('input', { required: true, maxlength: 64, autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false' });

function roleSelect(role: Role, label: string): HTMLSelectElement {
  const options = Object.entries(roles).map(([value, text]) => h('option', { value }, text));
  const select = h('select', { 'aria-label': label }, ...options);
  select.value = role;
  return select;
}

/** After it has been submitted, `submit` replaces the form. */
function openForm(
  title: string,
  fields: readonly HTMLElement[],
  action: string,
  submit: () => Promise<HTMLElement>,
): void {
  const status = new Status();
  const button = h('button', { type: 'submit', class: 'primary' }, action);
  const form = h('form', { novalidate: true }, ...fields, status.element, h('div', { class: 'buttons' }, button));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    button.disabled = true;
    void submit()
      .then(
        (result) => form.replaceWith(result),
        (error: unknown) => status.fail(error),
      )
      .finally(() => (button.disabled = false));
  });
  openDialog(title, form);
}

const pathOf = (kind: 'users' | 'tokens', name: string): string => `api/${kind}/${encodeURIComponent(name)}`;

/** 120 random bits. The user must change it when signing in. */
function oneTimePassword(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(15));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_');
}
