// Signing in and out, and the user's own password.
import { newSessionSecret, secretHash } from '@milepost/security';
import type { Host } from '@milepost/core';
import type { Settings } from '@milepost/settings';
import {
  Body,
  Controller,
  Delete,
  ForbiddenException,
  HttpCode,
  HttpException,
  Inject,
  Post,
  Put,
  Req,
  Res,
  UnauthorizedException,
} from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import {
  Access,
  type Caller,
  CallerOf,
  HOST,
  HttpUsersPart,
  sessionCookies,
  SETTINGS,
} from '../../../chassis/src/index.ts';
import { refused, textIn } from './body.ts';

interface Request {
  readonly ip: string;
  readonly headers: { readonly origin?: string };
}
interface Reply {
  header(name: string, value: string | readonly string[]): unknown;
}

const TOO_MANY_REQUESTS = 429;

@ApiExcludeController()
@Controller('api/session')
export class SignInController {
  constructor(
    private readonly part: HttpUsersPart,
    @Inject(HOST) private readonly host: Host,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  @Post()
  @Access('open')
  @HttpCode(200)
  async signIn(
    @Body() body: unknown,
    @Req() request: Request,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<{ mustChangePassword: boolean }> {
    const [username, password] = [textIn(body, 'username'), textIn(body, 'password')];
    const outcome = await this.part.signIn.attempt({ username, password, address: request.ip });
    if (outcome.kind === 'refused') throw new UnauthorizedException('the user name or the password is wrong');
    if (outcome.kind === 'slowed') {
      const seconds = Math.ceil(outcome.retryAfterMs / 1_000);
      reply.header('retry-after', String(seconds));
      throw new HttpException(`too many attempts: try again in ${seconds} s`, TOO_MANY_REQUESTS);
    }
    await this.#begin(outcome.user.name, request, reply);
    return { mustChangePassword: outcome.user.mustChangePassword };
  }

  @Delete()
  @Access('signed-in')
  @HttpCode(204)
  async signOut(@CallerOf() caller: Caller, @Res({ passthrough: true }) reply: Reply): Promise<void> {
    await this.part.users.store.endSession(caller.hash);
    reply.header('set-cookie', sessionCookies(undefined, false));
  }

  /** The present password is asked for again: a page that was left open is not enough. */
  @Put('password')
  @Access('signed-in')
  @HttpCode(204)
  async changePassword(
    @CallerOf() caller: Caller,
    @Body() body: unknown,
    @Req() request: Request,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<void> {
    if (caller.kind !== 'session') throw new ForbiddenException('a token has no password');
    if (caller.fromProvider)
      throw new ForbiddenException('the password of this user is at the identity provider: change it there');
    const attempt = { username: caller.name, password: textIn(body, 'password'), address: request.ip };
    const { kind } = await this.part.signIn.attempt(attempt);
    if (kind !== 'signed-in') throw new ForbiddenException('the present password is wrong, or too many attempts were');
    await this.part.users.changePassword(caller, textIn(body, 'newPassword')).catch(refused);
    await this.#begin(caller.name, request, reply); // the former sessions are over
  }

  async #begin(username: string, { headers }: Request, reply: Reply): Promise<void> {
    const secret = newSessionSecret(this.host.random);
    await this.part.users.store.addSession(secretHash(secret), username);
    // Behind a proxy with TLS, the page's origin says so.
    const isSecure = this.settings.httpTls || (headers.origin ?? '').startsWith('https://');
    reply.header('set-cookie', sessionCookies(secret, isSecure));
  }
}
