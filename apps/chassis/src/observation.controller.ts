// The endpoints of every program on its HTTP port: liveness, readiness, metrics.
import { PrometheusMeter } from '@milepost/telemetry';
import { Controller, Get, Header, HttpCode, HttpException, HttpStatus, Inject } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Access } from './http-protection.ts';
import { Lifecycle } from './lifecycle.ts';
import { METER } from './tokens.ts';

type Readiness =
  | { readonly status: 'not ready'; readonly reasons: string[] }
  | { readonly status: 'ready'; readonly degraded?: string[] };

@ApiExcludeController()
@Controller()
export class ObservationController {
  constructor(
    @Inject(METER) private readonly meter: PrometheusMeter,
    private readonly lifecycle: Lifecycle,
  ) {}

  /** Live means that the event loop turns, no more. It never depends on PostgreSQL or another program. */
  @Get('health/live')
  @Access('probe')
  @HttpCode(HttpStatus.OK)
  live(): { status: 'live' } {
    return { status: 'live' };
  }

  @Get('health/ready')
  @Access('probe')
  ready(): Readiness {
    const readiness = this.readiness();
    if (readiness.status === 'not ready') throw new HttpException(readiness, HttpStatus.SERVICE_UNAVAILABLE);
    return readiness;
  }

  readiness(): Readiness {
    const reasons = this.lifecycle.notReady();
    if (reasons.length > 0) return { status: 'not ready', reasons };
    const degraded = this.lifecycle.degraded();
    return { status: 'ready', ...(degraded.length > 0 && { degraded }) };
  }

  @Get('metrics')
  @Access('metrics')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  metrics(): Promise<string> {
    return this.meter.text();
  }
}
