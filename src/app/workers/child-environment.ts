/** What a child finds in its environment: what it inherits, and which task it executes under which fence. */
export interface ChildFacts {
  readonly taskId: string;
  readonly attempt: number;
  readonly fence: number;
  readonly taskFile: string;
  readonly resultFile: string;
  readonly agentId: string;
  readonly session: string;
  /** As `--store` takes it, so that commands of the child speak about the same task. */
  readonly storeUrl: string;
  /** The state directory of the worker. */
  readonly home: string;
}

export function childEnvironment(
  inherited: Readonly<Record<string, string>>,
  facts: ChildFacts,
): Readonly<Record<string, string>> {
  return {
    ...inherited,
    WAYBILL_TASK_ID: facts.taskId,
    WAYBILL_ATTEMPT: String(facts.attempt),
    WAYBILL_FENCE: String(facts.fence),
    WAYBILL_SCOPE: facts.taskId,
    WAYBILL_TASK_FILE: facts.taskFile,
    WAYBILL_RESULT_FILE: facts.resultFile,
    WAYBILL_AGENT_ID: facts.agentId,
    WAYBILL_SESSION: facts.session,
    WAYBILL_STORE: facts.storeUrl,
    WAYBILL_HOME: facts.home,
  };
}
