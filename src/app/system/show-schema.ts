import * as z from "zod";
import { findOperation, OPERATIONS } from "../../contracts/index.js";
import type { Operation } from "../../contracts/operation.js";
import { WaybillError } from "../../domain/errors.js";
import { nearest } from "../../domain/nearest.js";
import type { CallHandler } from "../context.js";

/** JSON Schema (draft 2020-12) of what an operation takes and of the `data` it answers with; a list without a name. */
export const showSchema: CallHandler<"system.schema"> = async (_context, input) => {
  if (input.operation === undefined) return { operations: OPERATIONS.map(summaryOf) };
  const found = findOperation(input.operation);
  if (found === undefined) {
    const near = nearest(
      input.operation,
      OPERATIONS.flatMap((o) => [o.name, o.command]),
    );
    throw new WaybillError("operation_not_found", `There is no operation ${JSON.stringify(input.operation)}.`, {
      hint: near === null ? "`waybill schema` lists them." : `Did you mean "${near}"?`,
    });
  }
  const schema = (type: z.ZodType, io: "input" | "output") => z.toJSONSchema(type, { io }) as Record<string, unknown>;
  const whole = { input: schema(found.input, "input"), output: schema(found.output, "output") };
  return { operations: [{ ...summaryOf(found), ...whole }] };
};

const summaryOf = ({ name, command, summary, effect, stream, errors }: Operation) => ({
  name,
  command,
  summary,
  effect,
  stream,
  errors: [...errors],
});
