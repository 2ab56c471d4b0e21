// Certificates for tests, by the authority of `milepost secure`.
export { Authority, type Certificate, type Name } from '../../apps/cli/src/secure/certificate-authority.ts';
