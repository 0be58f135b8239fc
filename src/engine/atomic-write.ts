export { atomicWrite, DRAFT_ENDING } from '../base/atomic-write';
