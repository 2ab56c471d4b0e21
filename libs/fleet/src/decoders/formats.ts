// Formats that are a JSON document with its fields in other positions and units. Each links the documentation of its
// fields.
import { mappedDecoder } from './mapping.ts';

/** Traccar's position forwarding (https://www.traccar.org/forward/): speed in knots, odometer in meters, levels in percent. */
export const decodeTraccar = mappedDecoder('traccar', {
  device: ['device.uniqueId'],
  lat: 'position.latitude',
  lon: 'position.longitude',
  ts: ['position.fixTime', 'position.deviceTime'],
  isValid: 'position.valid',
  ignition: 'position.attributes.ignition',
  numbers: {
    speedKmh: { path: 'position.speed', unit: 'knots' },
    headingDeg: { path: 'position.course', unit: 'deg' },
    altitudeM: { path: 'position.altitude', unit: 'm' },
    accuracyM: { path: 'position.accuracy', unit: 'm' },
    odometerM: { path: ['position.attributes.odometer', 'position.attributes.totalDistance'], unit: 'm' },
    fuelPct: { path: 'position.attributes.fuelLevel', unit: '%' },
    batteryPct: { path: 'position.attributes.batteryLevel', unit: '%' },
  },
});

/** Traccar Client 9 (https://www.traccar.org/client/): speed in meters a second, battery from 0 to 1. */
export const decodeTraccarClient = mappedDecoder('traccar-client', {
  device: ['device_id'],
  lat: 'location.coords.latitude',
  lon: 'location.coords.longitude',
  ts: 'location.timestamp',
  numbers: {
    speedKmh: { path: 'location.coords.speed', unit: 'm/s' },
    headingDeg: { path: 'location.coords.heading', unit: 'deg' },
    altitudeM: { path: 'location.coords.altitude', unit: 'm' },
    accuracyM: { path: 'location.coords.accuracy', unit: 'm' },
    odometerM: { path: 'location.odometer', unit: 'm' },
    batteryPct: { path: 'location.battery.level', unit: 'fraction' },
  },
});

/** Teltonika's "Codec JSON" (https://wiki.teltonika-gps.com, "MQTT"): 239 is the ignition, 16 the total odometer in meters. */
export const decodeTeltonikaJson = mappedDecoder('teltonika', {
  latLon: ['state.reported.latlng', 'latlng'],
  lat: 'state.reported.lat',
  lon: 'state.reported.lng',
  ts: ['state.reported.ts', 'ts'],
  ignition: ['state.reported.239', '239'],
  numbers: {
    speedKmh: { path: ['state.reported.sp', 'sp'], unit: 'km/h' },
    headingDeg: { path: ['state.reported.ang', 'ang'], unit: 'deg' },
    altitudeM: { path: ['state.reported.alt', 'alt'], unit: 'm' },
    odometerM: { path: ['state.reported.16', '16'], unit: 'm' },
    batteryPct: { path: ['state.reported.113', '113'], unit: '%' },
  },
});

/** Helsinki's High-Frequency Positioning v2 (https://digitransit.fi/en/developers/apis/5-realtime-api): `acc` is acceleration. */
export const decodeHfp = mappedDecoder('hfp', {
  device: ['*.oper', '*.veh'],
  lat: '*.lat',
  lon: '*.long',
  ts: ['*.tst', '*.tsi'],
  numbers: {
    speedKmh: { path: '*.spd', unit: 'm/s' },
    headingDeg: { path: '*.hdg', unit: 'deg' },
    odometerM: { path: '*.odo', unit: 'm' },
  },
});

/** The Things Stack v3 uplinks (https://www.thethingsindustries.com/docs/integrations/data-formats/): decoded fields first. */
export const decodeTtn = mappedDecoder('ttn', {
  device: ['end_device_ids.device_id'],
  lat: ['uplink_message.decoded_payload.latitude', 'uplink_message.locations.frm-payload.latitude'],
  lon: ['uplink_message.decoded_payload.longitude', 'uplink_message.locations.frm-payload.longitude'],
  ts: ['uplink_message.settings.time', 'uplink_message.received_at', 'received_at'],
  numbers: {
    altitudeM: {
      path: ['uplink_message.decoded_payload.altitude', 'uplink_message.locations.frm-payload.altitude'],
      unit: 'm',
    },
    batteryPct: { path: 'uplink_message.decoded_payload.battery', unit: '%' },
  },
});

/**
 * ChirpStack v4 uplinks (https://www.chirpstack.io/docs/chirpstack/integrations/events.html); never the gateway's own
 * position.
 */
export const decodeChirpstack = mappedDecoder('chirpstack', {
  device: [['deviceInfo.deviceName', 'deviceInfo.devEui']],
  lat: ['object.gps.latitude', 'object.latitude', 'object.lat'],
  lon: ['object.gps.longitude', 'object.longitude', 'object.lon', 'object.lng'],
  ts: 'time',
  numbers: { altitudeM: { path: ['object.gps.altitude', 'object.altitude'], unit: 'm' } },
});

/** Meshtastic's JSON (https://meshtastic.org/docs/software/integrations/mqtt/): degrees times ten million. */
export const decodeMeshtastic = mappedDecoder('meshtastic', {
  device: ['from'],
  lat: { path: 'payload.latitude_i', unit: '1e-7deg' },
  lon: { path: 'payload.longitude_i', unit: '1e-7deg' },
  ts: ['payload.time', 'timestamp'],
  numbers: {
    altitudeM: { path: 'payload.altitude', unit: 'm' },
    speedKmh: { path: 'payload.ground_speed', unit: 'm/s' },
  },
});

/** Tasmota's GPS driver (https://tasmota.github.io/docs/): the time has no zone and is UTC. */
export const decodeTasmota = mappedDecoder('tasmota', {
  lat: 'GPS.lat',
  lon: 'GPS.lon',
  ts: ['GPS.ts', 'Time'],
  numbers: { accuracyM: { path: 'GPS.hAcc', unit: 'm' }, altitudeM: { path: 'GPS.alt', unit: 'm' } },
});
