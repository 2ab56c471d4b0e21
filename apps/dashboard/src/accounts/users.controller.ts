// Users and tokens, for admins. A token is shown once, in the response that makes it.
import { isRole, isUserName, NAME_RULE, newToken, type Role, ROLES, secretHash } from '@milepost/security';
import type { Host } from '@milepost/core';
import {
  BadRequestException,
  Body,
  ConflictException,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  NotFoundException,
  Param,
  Post,
  Put,
} from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Access, HOST, HttpUsersPart } from '../../../chassis/src/index.ts';
import { optionalTextIn, refused, textIn } from './body.ts';

const DAY_MS = 24 * 3_600_000;
const MOST_DAYS = 3_650;

@ApiTags('users')
@ApiBearerAuth()
@Controller('api')
export class UsersController {
  constructor(
    private readonly part: HttpUsersPart,
    @Inject(HOST) private readonly host: Host,
  ) {}

  @Get('users')
  @Access('admin')
  @ApiOperation({ summary: 'The users and their roles' })
  users() {
    return this.part.users.store.users();
  }

  @Put('users/:name')
  @Access('admin')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Adds or changes a user: {role, password}. The user must change the password at the first sign-in',
  })
  async setUser(@Param('name') name: string, @Body() body: unknown): Promise<void> {
    const password = optionalTextIn(body, 'password');
    const known = await this.part.users.store.user(name);
    const mustChangePassword = password === undefined ? (known?.mustChangePassword ?? false) : true;
    await this.part.users.set({ name, role: roleIn(body), mustChangePassword }, password).catch(refused);
  }

  @Delete('users/:name')
  @Access('admin')
  @HttpCode(204)
  @ApiOperation({ summary: 'Removes a user, and ends all its sessions' })
  async removeUser(@Param('name') name: string): Promise<void> {
    await this.part.users.remove(name).catch(refused);
  }

  @Get('tokens')
  @Access('admin')
  @ApiOperation({ summary: 'The tokens of scripts, without their secrets' })
  tokens() {
    return this.part.users.store.tokens();
  }

  @Post('tokens')
  @Access('admin')
  @ApiOperation({ summary: 'Makes a token: {name, role, days?}. Its secret is in this response, and nowhere else' })
  async addToken(@Body() body: unknown): Promise<{ token: string }> {
    const name = textIn(body, 'name');
    if (!isUserName(name)) throw new BadRequestException(`name: expected ${NAME_RULE}`);
    const createdAt = new Date(this.host.clock.now());
    const days = daysIn(body);
    const expiresAt = days === undefined ? null : new Date(createdAt.getTime() + days * DAY_MS);
    const token = newToken(this.host.random);
    const added = await this.part.users.store.addToken(secretHash(token), {
      name,
      role: roleIn(body),
      createdAt,
      expiresAt,
    });
    if (!added) throw new ConflictException(`there is a token ${name} already: remove it first`);
    return { token };
  }

  @Delete('tokens/:name')
  @Access('admin')
  @HttpCode(204)
  @ApiOperation({ summary: 'Removes a token: it stops working at once' })
  async removeToken(@Param('name') name: string): Promise<void> {
    if (!(await this.part.users.store.removeToken(name))) throw new NotFoundException('there is no such token');
  }
}

function roleIn(body: unknown): Role {
  const role = textIn(body, 'role');
  if (!isRole(role)) throw new BadRequestException(`role: expected ${ROLES.join(', ')}`);
  return role;
}

function daysIn(body: unknown): number | undefined {
  const { days } = body as { days?: unknown };
  if (days === undefined) return undefined;
  if (typeof days === 'number' && Number.isInteger(days) && days > 0 && days <= MOST_DAYS) return days;
  throw new BadRequestException(`days: expected a whole number from 1 to ${MOST_DAYS}`);
}
