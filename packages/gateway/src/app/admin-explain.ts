import { explanationData, explainQuestion, questionNames, readQuestion } from '../cli/explain-question.ts';
import type { PasswordUser } from '../auth/password-users.ts';
import type { Loaded } from '../config/load.ts';
import { AdminExplain } from '../server/admin-explain.ts';

/** `POST /api/explain`: the question and the answer are those of `cardea explain --json`, with `_` for `-` in names. `users`: those of the users file now. */
export function adminExplain(loaded: Loaded, users: () => readonly PasswordUser[], now: () => number): AdminExplain {
  const { admin } = loaded.config;
  return new AdminExplain({
    token: admin === false ? undefined : admin.token,
    names: questionNames.map(inJson),
    async explain(texts) {
      const question = readQuestion((name) => texts.get(inJson(name)), now());
      if (typeof question === 'string') return question;
      const explained = await explainQuestion(question, { ...loaded, users: users() });
      return explained.kind === 'misunderstood' ? explained.message : explanationData(explained);
    },
  });
}

const inJson = (name: string): string => name.replaceAll('-', '_');
