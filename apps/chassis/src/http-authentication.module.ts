// Where users sign in (MILEPOST_HTTP_AUTHENTICATION=required): the users in the program's PostgreSQL.
import type { Host, Logger } from '@milepost/core';
import { SignIn } from '@milepost/security';
import type { Settings } from '@milepost/settings';
import { Global, Inject, Injectable, Module } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DatabaseModule } from './database.module.ts';
import { HttpAuthenticator } from './http-authenticator.ts';
import { HttpUsers } from './http-users.ts';
import { Lifecycle, type Part } from './lifecycle.ts';
import { passwordOfSetting } from './setting-file.ts';
import { DATABASE, HOST, HTTP_AUTHENTICATOR, LOGGER, SETTINGS } from './tokens.ts';

@Injectable()
export class HttpUsersPart implements Part {
  readonly name = 'users';
  readonly phase = 'clients';
  #users: HttpUsers | undefined;
  #signIn: SignIn | undefined;

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(HOST) private readonly host: Host,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(DATABASE) private readonly database: () => DataSource,
    lifecycle: Lifecycle,
  ) {
    lifecycle.register(this);
  }

  async start(): Promise<void> {
    const { clock, keys, meter } = this.host;
    this.#signIn = new SignIn({ store: this.users.store, keys, clock, meter });
    await this.users.prepare(this.#admin());
    if ((await this.users.store.users()).length === 0)
      this.logger.warn({}, 'nobody can sign in: add an admin by `milepost users add NAME --role admin`');
  }

  async stop(): Promise<void> {}

  /** Metrics may be asked for before the start. */
  get users(): HttpUsers {
    this.#users ??= new HttpUsers({ database: this.database(), host: this.host, logger: this.logger });
    return this.#users;
  }

  get signIn(): SignIn {
    if (!this.#signIn) throw new Error('somebody signs in before the phase of users');
    return this.#signIn;
  }

  #admin(): { username: string; password: string } | undefined {
    const { adminUsername: username, adminPassword, adminPasswordFile } = this.settings;
    const password = adminPassword ?? passwordOfSetting('MILEPOST_ADMIN_PASSWORD_FILE', adminPasswordFile);
    return password === undefined ? undefined : { username, password };
  }
}

@Global()
@Module({
  imports: [DatabaseModule],
  providers: [
    HttpUsersPart,
    {
      provide: HTTP_AUTHENTICATOR,
      useFactory: (part: HttpUsersPart) => () => new HttpAuthenticator(part.users.store),
      inject: [HttpUsersPart],
    },
  ],
  exports: [HTTP_AUTHENTICATOR, HttpUsersPart],
})
export class HttpAuthenticationModule {}
