import { localAttempts } from '../auth/local-attempts.ts';
import { attemptsContract } from './attempts.contract.ts';

attemptsContract('localAttempts', () => {
  let now = 1_789_000_000_000;
  return { attempts: localAttempts(), pass: async (ms) => (now += ms) };
});
