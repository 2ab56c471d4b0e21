import { Controller, Get, Inject, type OnApplicationShutdown, ServiceUnavailableException } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import type { Operations } from './operations.ts';
import type { ClusterView, GroupView, TopicView } from './views.ts';

export const OPERATIONS = Symbol('Operations');

@ApiTags('operations')
@Controller('api')
@ApiServiceUnavailableResponse({ description: 'The Kafka does not answer' })
export class OperationsController implements OnApplicationShutdown {
  constructor(@Inject(OPERATIONS) private readonly operations: Operations) {}

  @Get('cluster')
  @ApiOperation({ summary: 'Brokers, and the leader and replicas of every partition' })
  @ApiOkResponse({ description: 'Brokers by id, topics by name' })
  cluster(): Promise<ClusterView> {
    return this.operations.cluster().catch(unavailable);
  }

  @Get('topics')
  @ApiOperation({ summary: 'Topics, their partitions and how many records they hold' })
  @ApiOkResponse({ description: 'By name' })
  topics(): Promise<readonly TopicView[]> {
    return this.operations.topics().catch(unavailable);
  }

  @Get('groups')
  @ApiOperation({ summary: 'Consumer groups, their members and lag' })
  @ApiOkResponse({ description: 'By name' })
  groups(): Promise<readonly GroupView[]> {
    return this.operations.groups().catch(unavailable);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.operations.close();
  }
}

function unavailable(error: unknown): never {
  throw new ServiceUnavailableException(
    `the Kafka does not answer: ${error instanceof Error ? error.message : 'gone'}`,
  );
}
