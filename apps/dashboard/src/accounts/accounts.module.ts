// Signing in, users and tokens: a part of the dashboard where users sign in.
import type { Settings } from '@milepost/settings';
import { Module, type Type } from '@nestjs/common';
import { HttpAuthenticationModule } from '../../../chassis/src/index.ts';
import { ProviderController } from './provider.controller.ts';
import { SignInController } from './sign-in.controller.ts';
import { UsersController } from './users.controller.ts';

@Module({ imports: [HttpAuthenticationModule], controllers: [SignInController, ProviderController, UsersController] })
export class AccountsModule {}

export const accounts = ({ httpAuthentication }: Pick<Settings, 'httpAuthentication'>): Type[] =>
  httpAuthentication === 'required' ? [AccountsModule] : [];
