// A Nest application with the Kafka transport: adds the numbers it receives, and sends itself requests. Prints the
// replies.
import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientKafka, MessagePattern, type MicroserviceOptions, Payload, Transport } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';

const client = { clientId: 'nest', brokers: [process.argv[2] ?? ''], logLevel: 1, connectionTimeout: 30_000 };

@Controller()
class Adder {
  @MessagePattern('nest-sum')
  add(@Payload() { a, b }: { a: number; b: number }): { sum: number } {
    return { sum: a + b };
  }
}

@Module({ controllers: [Adder] })
class Application {}

const options: MicroserviceOptions = {
  transport: Transport.KAFKA,
  options: { client, consumer: { groupId: 'nest-server' }, subscribe: { fromBeginning: true } },
};
const server = await NestFactory.createMicroservice<MicroserviceOptions>(Application, {
  ...options,
  logger: ['error'],
});
await server.listen();
const asker = new ClientKafka({ client, consumer: { groupId: 'nest-client' } });
asker.subscribeToResponseOf('nest-sum');
await asker.connect();
const numbers = Array.from({ length: 20 }, (_, n) => n);
const replies = await Promise.all(
  numbers.map((n) => firstValueFrom(asker.send<{ sum: number }>('nest-sum', { key: `k${n}`, value: { a: n, b: n } }))),
);
await asker.close();
await server.close();
process.stdout.write(`${JSON.stringify(replies)}\n`);
