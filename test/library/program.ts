/** A program as a user of the library writes it; a test compiles it against the published types. */
import { open, type RunView, WaybillError } from "../../src/index.js";

export async function runAndPrint(dir: string, write: (bytes: Uint8Array) => void): Promise<RunView | null> {
  const waybill = await open({ store: "file:./waybill.db" });
  try {
    const { outcome, run } = await waybill.call(
      "runs.submit",
      { dir, machine: "local", timeout: "10m", retries: 1 },
      { onProgress: (progress) => (progress.type === "log" ? write(progress.piece.bytes) : undefined) },
    );
    const created: boolean = outcome === "created";
    for await (const event of waybill.stream("events.watch", { run: run.id, after: 0, follow: false })) {
      if (created && event.type === "run.finished") return run;
    }
    return run;
  } catch (error) {
    if (error instanceof WaybillError && error.code === "machine_busy") return null;
    throw error;
  } finally {
    await waybill.close();
  }
}
