// Who is signed in, and how one may sign in. It responds also where nobody signs in, so that the page knows.
import type { Settings } from '@milepost/settings';
import { Controller, Get, Inject } from '@nestjs/common';
import { ApiExcludeEndpoint, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Access, type Caller, CallerOf, SETTINGS } from '../../../chassis/src/index.ts';
import type { SessionView, SignInWays } from '../views.ts';

@ApiTags('users')
@Controller('api/session')
export class SessionController {
  constructor(@Inject(SETTINGS) private readonly settings: Settings) {}

  @Get()
  @Access('signed-in')
  @ApiOperation({ summary: 'The user who is signed in' })
  @ApiOkResponse({ description: 'user is null where nobody needs to sign in' })
  session(@CallerOf() caller: Caller | undefined): SessionView {
    if (!caller) return { user: null };
    const { kind, name, role, mustChangePassword } = caller;
    return { user: { kind, name, role, mustChangePassword } };
  }
  /** For the page, before anybody has signed in. */
  @Get('ways')
  @Access('open')
  @ApiExcludeEndpoint()
  ways(): SignInWays {
    return { password: true, provider: this.settings.oidcIssuer !== undefined };
  }
}
