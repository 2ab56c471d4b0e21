// PUBACKs and PUBRECs without a reason, in one piece: the same four bytes in every version of MQTT.
import type { Acknowledgement } from './engine.ts';

const PUBACK = 0x40;
const PUBREC = 0x50;
const ACK_BYTES = 4;

export function ackBytes(acknowledgements: readonly Acknowledgement[]): Buffer {
  const bytes = Buffer.allocUnsafe(acknowledgements.length * ACK_BYTES);
  acknowledgements.forEach(({ messageId, qos }, index) => {
    bytes[index * ACK_BYTES] = qos === 1 ? PUBACK : PUBREC;
    bytes[index * ACK_BYTES + 1] = 2;
    bytes.writeUInt16BE(messageId, index * ACK_BYTES + 2);
  });
  return bytes;
}
