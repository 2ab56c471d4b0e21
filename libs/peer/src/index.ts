export { PeerConnection, type PeerLogin, type PeerOptions, PeerUnreachable } from './peer-connection.ts';
