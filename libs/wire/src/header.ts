// The header before every body.
//
//   request   key int16 | version int16 | correlation id int32 | client id nullable string | tagged fields, if flexible
//   response  correlation id int32 | tagged fields, if flexible
//
// Two exceptions let a client request our versions before it knows them: the client id has an old two-byte length even
// in flexible versions, and the response header of ApiVersions never has tagged fields.
import { type ByteReader, type ByteWriter, MalformedMessage } from '@milepost/core';
import { ApiVersions, apiOf } from './messages/index.ts';
import type { AnyApi } from './schema/api.ts';

export interface RequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
}

/** Leaves the reader at the body, or for an unknown API after the client id. */
export function readRequestHeader(reader: ByteReader): RequestHeader {
  const apiKey = reader.int16();
  const apiVersion = reader.int16();
  const correlationId = reader.int32();
  const length = reader.int16();
  const clientId = length < 0 ? null : reader.utf8(length);
  if (apiOf(apiKey)?.isFlexible(apiVersion)) skipTaggedFields(reader);
  return { apiKey, apiVersion, correlationId, clientId };
}

export function writeRequestHeader(writer: ByteWriter, api: AnyApi, header: Omit<RequestHeader, 'apiKey'>): void {
  writer.int16(api.key);
  writer.int16(header.apiVersion);
  writer.int32(header.correlationId);
  if (header.clientId === null) {
    writer.int16(-1);
  } else {
    const size = Buffer.byteLength(header.clientId);
    writer.int16(size);
    writer.utf8(header.clientId, size);
  }
  if (api.isFlexible(header.apiVersion)) writer.uvarint(0);
}

/** Returns the correlation id. */
export function readResponseHeader(reader: ByteReader, api: AnyApi, version: number): number {
  const correlationId = reader.int32();
  if (hasTaggedResponseHeader(api, version)) skipTaggedFields(reader);
  return correlationId;
}

export function writeResponseHeader(writer: ByteWriter, api: AnyApi, version: number, correlationId: number): void {
  writer.int32(correlationId);
  if (hasTaggedResponseHeader(api, version)) writer.uvarint(0);
}

function hasTaggedResponseHeader(api: AnyApi, version: number): boolean {
  return api.isFlexible(version) && api.key !== ApiVersions.key;
}

function skipTaggedFields(reader: ByteReader): void {
  let previous = -1;
  for (let left = reader.uvarint(); left > 0; left--) {
    const tag = reader.uvarint();
    if (tag <= previous) throw new MalformedMessage(`header: tag ${tag} after tag ${previous}`);
    previous = tag;
    reader.skip(reader.uvarint());
  }
}
