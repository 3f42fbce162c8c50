/**
 * What Ctrl-C and the end of the terminal mean while something is being waited for.
 *
 * Leaving is always safe: `signal` stops the waiting, a dispatcher looks after the work. A command may give the first Ctrl-C
 * another meaning (`waybill run`: cancel what it started); the second one leaves.
 */
export interface Interrupts {
  /** Aborted when the command should stop waiting and leave. */
  readonly signal: AbortSignal;
  /** Aborted by the signal after that: whatever is still being done is to be cut short. */
  readonly again: AbortSignal;
  /** Whether a signal ended the waiting; the command then leaves with 130. */
  readonly left: () => boolean;
  /** Gives the first Ctrl-C a meaning. The action must not throw. */
  onFirst(action: () => void): void;
  dispose(): void;
}

export function listenForInterrupts(): Interrupts {
  const leave = new AbortController();
  const again = new AbortController();
  let first: (() => void) | undefined;
  const onInterrupt = () => {
    const action = first;
    first = undefined;
    if (action === undefined) onEnd();
    else action();
  };
  const onEnd = () => (leave.signal.aborted ? again : leave).abort();
  process.on("SIGINT", onInterrupt);
  process.on("SIGTERM", onEnd);
  process.on("SIGHUP", onEnd);
  return {
    signal: leave.signal,
    again: again.signal,
    left: () => leave.signal.aborted,
    onFirst: (action) => {
      first = action;
    },
    dispose: () => {
      process.off("SIGINT", onInterrupt);
      process.off("SIGTERM", onEnd);
      process.off("SIGHUP", onEnd);
    },
  };
}
