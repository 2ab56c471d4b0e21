import { inflaterContract } from '../../core/src/contracts/inflater.contract.ts';
import { nodeInflater } from './node-inflater.ts';

inflaterContract('nodeInflater', () => ({ inflater: nodeInflater, settle: (promise) => promise }));
