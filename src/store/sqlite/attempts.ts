import type { AttemptSignalKind } from "../../domain/attempt.js";
import type { AttemptStore } from "../attempt-store.js";
import { takeBack } from "./owners.js";
import { integer } from "./rows.js";
import type { Session } from "./session.js";
import { claimTasks } from "./task-claim.js";
import { endAttempts, guarded, refuseWrite } from "./task-ends.js";
import { attemptFromRow, runningAttempt, toTaskRow } from "./task-rows.js";

export const ATTEMPTS = "SELECT * FROM attempts WHERE seq = $seq ORDER BY attempt";
export const SIGNALS = "SELECT fence, signal FROM task_signals WHERE owner = $owner";

export function sqliteAttempts(session: Session): AttemptStore {
  return {
    claimTasks: (request) => claimTasks(session, request),
    endAttempts: (ends) => session.write(() => endAttempts(session, ends)),
    confirmAttempt: (guard) =>
      session.write(() =>
        guarded(session, guard) === null ? refuseWrite(session, guard, "heartbeat") : { written: true, value: null },
      ),
    readSignals: (owner) =>
      session.read(() =>
        session
          .sql(SIGNALS)
          .all({ owner })
          .map((row) => ({ fence: integer(row, "fence"), signal: row.signal as AttemptSignalKind })),
      ),
    clearSignals: (owner, fences) =>
      session.write(() => {
        for (const fence of fences) {
          session.sql("DELETE FROM task_signals WHERE owner = $owner AND fence = $fence").run({ owner, fence });
        }
      }),
    takeBack: (owner, provedDead, limit) => session.write(() => takeBack(session, owner, provedDead, limit)),
    listAttempts: (taskId) =>
      session.snapshot(() => {
        const found = session.sql("SELECT * FROM tasks WHERE id = $id").get({ id: taskId });
        if (found === undefined) return [];
        const row = toTaskRow(found);
        const running = runningAttempt(row);
        const ended = session.sql(ATTEMPTS).all({ seq: row.seq });
        return [...ended.map((attempt) => attemptFromRow(taskId, attempt)), ...(running === null ? [] : [running])];
      }),
  };
}
