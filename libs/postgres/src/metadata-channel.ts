/** NOTIFY's channel: its payload is the new version. */
export const METADATA_CHANNEL = 'milepost_metadata';
