import {
  type TrailPoint,
  type TruckCollection,
  type TruckFeature,
  truckCollection,
  truckFeature,
} from '@milepost/live';
import type { Host } from '@milepost/core';
import { PartitionUnreadable } from '@milepost/streams';
import { Controller, Get, Inject, NotFoundException, Param, Query, ServiceUnavailableException } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiQuery,
  ApiTags,
} from '@nestjs/swagger';
import { PositionReader } from '@milepost/fleet';
import { HOST, type Schemas, SCHEMAS } from '../../chassis/src/index.ts';
import { LiveMapPart, TRUCK_LOG } from './live-map.part.ts';
import { boxFrom, type Parameter, spanFrom, truckIdFrom } from './query.ts';
import { readTrack } from './track.ts';
import type { TruckLog } from './truck-log.ts';
import type { Track } from './views.ts';

/** Each request reads a partition of the log; more concurrent ones would only slow each other down. */
const tracksAtOnceLimit = 4;

@ApiTags('trucks')
@Controller('api/trucks')
export class TrucksController {
  #tracksAtOnce = 0;
  readonly #positions: PositionReader;

  constructor(
    private readonly map: LiveMapPart,
    @Inject(TRUCK_LOG) private readonly log: TruckLog,
    @Inject(HOST) private readonly host: Host,
    @Inject(SCHEMAS) schemas: Schemas,
  ) {
    this.#positions = new PositionReader(schemas, () => {}); // refused records were counted by the map
  }

  @Get()
  @ApiOperation({ summary: 'The last position of every truck, as a GeoJSON FeatureCollection' })
  @ApiQuery({
    name: 'bbox',
    required: false,
    type: String,
    example: '11.8,57.6,12.1,57.8',
    description: 'west,south,east,north',
  })
  @ApiOkResponse({ description: 'One Point per truck' })
  @ApiBadRequestResponse({ description: 'bbox is not four numbers' })
  trucks(@Query('bbox') bbox?: Parameter): TruckCollection {
    return truckCollection(this.map.trucks.all(), this.host.clock.now(), boxFrom(bbox));
  }

  @Get(':id')
  @ApiOperation({ summary: 'One truck and its recent trail, from memory' })
  @ApiParam({ name: 'id', example: 'truck-001' })
  @ApiOkResponse({ description: 'A GeoJSON Point, and the trail beside it' })
  @ApiNotFoundResponse({ description: 'No position of that truck in the last day' })
  truck(@Param('id') id: string): TruckFeature & { trail: readonly TrailPoint[] } {
    const truck = this.map.trucks.get(truckIdFrom(id));
    if (!truck) throw new NotFoundException(`no position of truck ${id} in the last 24 hours`);
    return { ...truckFeature(truck, this.host.clock.now()), trail: this.map.trucks.trail(id) };
  }

  @Get(':id/track')
  @ApiOperation({ summary: 'Where a truck was between two times, read back from the log' })
  @ApiParam({ name: 'id', example: 'truck-001' })
  @ApiQuery({
    name: 'from',
    required: false,
    type: String,
    description: 'ISO 8601 or ms since 1970; left out: an hour before `to`',
  })
  @ApiQuery({ name: 'to', required: false, type: String, description: 'Left out: now' })
  @ApiOkResponse({ description: 'A GeoJSON LineString with the times in coordinateProperties' })
  async track(@Param('id') id: string, @Query('from') from?: Parameter, @Query('to') to?: Parameter): Promise<Track> {
    const truckId = truckIdFrom(id);
    const { fromMs, toMs } = spanFrom(from, to, this.host.clock.now());
    if (this.#tracksAtOnce >= tracksAtOnceLimit)
      throw new ServiceUnavailableException(
        `${tracksAtOnceLimit} tracks are being read already: try again in a moment`,
      );
    this.#tracksAtOnce += 1;
    try {
      return await readTrack({ log: this.log, positions: this.#positions }, truckId, fromMs, toMs);
    } catch (error) {
      throw error instanceof PartitionUnreadable ? new ServiceUnavailableException(error.message) : error;
    } finally {
      this.#tracksAtOnce -= 1;
    }
  }
}
