/** How a thread is to end; `hang` is not even an end. */
export type Death = 'throw' | 'reject' | 'exit' | 'out-of-memory' | 'hang';

/** What a test tells a mortal thread. */
export interface Order {
  /** Counted from 0. */
  readonly place: number;
  readonly death: Death;
}

/** The name of the channel for orders. */
export const ordersChannel = 'cardea-test-orders';
