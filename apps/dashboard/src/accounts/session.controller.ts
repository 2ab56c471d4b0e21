// Who is signed in. It responds also where nobody signs in, so that the page knows.
import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Access, type Caller, CallerOf } from '../../../chassis/src/index.ts';
import type { SessionView } from '../views.ts';

@ApiTags('users')
@Controller('api/session')
export class SessionController {
  @Get()
  @Access('signed-in')
  @ApiOperation({ summary: 'The user who is signed in' })
  @ApiOkResponse({ description: 'user is null where nobody needs to sign in' })
  session(@CallerOf() caller: Caller | undefined): SessionView {
    if (!caller) return { user: null };
    const { kind, name, role, mustChangePassword } = caller;
    return { user: { kind, name, role, mustChangePassword } };
  }
}
