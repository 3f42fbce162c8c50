import { toVariableView } from "../../contracts/vars.js";
import { WaybillError } from "../../domain/errors.js";
import type { CallHandler } from "../context.js";

export const incrementVariable: CallHandler<"vars.incr"> = async (context, input) => {
  const { variables } = await context.store();
  const scope = input.scope ?? context.settings.scope;
  const sum = await variables.incrementVariable(scope, input.key, input.by);
  if (sum !== null) return toVariableView(sum);
  throw new WaybillError(
    "variable_conflict",
    `${JSON.stringify(input.key)} is not a whole number; nothing was added.`,
    {
      hint: `\`waybill vars get ${input.key}\` shows what it is.`,
    },
  );
};
