/**
 * Lets who asks first go on at once, and of those who come meanwhile one in each turn of the event loop, in the order in
 * which they came.
 *
 * It is for work that costs as much as dozens of other requests. In one turn Node reads what all connections have to say, and
 * accepts one new connection: of fifty sign-ons judged in the same turn, everybody else would wait for all, and a client
 * who is to be accepted for all of them again and again.
 */
export function oneEachTurn(): () => Promise<void> {
  const waiting: (() => void)[] = [];
  let taken = false;

  function nextTurn(): void {
    const first = waiting.shift();
    taken = first !== undefined;
    if (first === undefined) return;
    setImmediate(nextTurn);
    first();
  }

  return () => {
    if (taken) return new Promise((resolve) => waiting.push(resolve));
    taken = true;
    setImmediate(nextTurn);
    return Promise.resolve();
  };
}
