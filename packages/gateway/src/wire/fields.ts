/** Header fields as the engine gives and takes them. */
export { type Fields, fieldValues, singleField } from '@cardea/http1';
