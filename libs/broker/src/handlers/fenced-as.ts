// An error code that older clients do not know.
import { ErrorCode } from '@milepost/core';

const FIRST_VERSION_WITH_FENCED = 2;

/** Of AddPartitionsToTxn, AddOffsetsToTxn and EndTxn. Before it the producer's epoch is called invalid. */
export const fencedAs = (error: ErrorCode, apiVersion: number): ErrorCode =>
  error === ErrorCode.PRODUCER_FENCED && apiVersion < FIRST_VERSION_WITH_FENCED
    ? ErrorCode.INVALID_PRODUCER_EPOCH
    : error;
