export { PeerConnection, type PeerOptions, PeerUnreachable } from './peer-connection.ts';
