// The body of a dry run.
import type { TriedPublish } from '@milepost/ingress';
import { BadRequestException } from '@nestjs/common';
import { optionalTextIn, textIn } from '../accounts/body.ts';

export interface Trial extends TriedPublish {
  /** Tried as if it were stored. */
  readonly route: unknown;
}

export function readTrial(body: unknown): Trial {
  const topic = textIn(body, 'topic');
  if (topic === '' || /[+#\0]/.test(topic))
    throw new BadRequestException(`topic: expected an MQTT topic without wildcards, such as trucks/t-1/gps`);
  const text = optionalTextIn(body, 'payload');
  const base64 = optionalTextIn(body, 'payloadBase64');
  if ((text === undefined) === (base64 === undefined))
    throw new BadRequestException('payload: expected either payload (a text) or payloadBase64');
  const payload = base64 === undefined ? Buffer.from(text ?? '') : Buffer.from(base64, 'base64');
  const { route } = body as { readonly route?: unknown };
  return { topic, payload, client: optionalTextIn(body, 'client') ?? 'dry-run', route };
}
