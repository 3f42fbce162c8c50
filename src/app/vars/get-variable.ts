import { toVariableView } from "../../contracts/vars.js";
import { WaybillError } from "../../domain/errors.js";
import type { CallHandler } from "../context.js";

export const getVariable: CallHandler<"vars.get"> = async (context, input) => {
  const scope = input.scope ?? context.settings.scope;
  const found = await (await context.store()).variables.getVariable(scope, input.key);
  if (found !== null) return toVariableView(found);
  if (input.default === undefined) {
    throw new WaybillError("variable_not_found", `There is no variable ${JSON.stringify(input.key)} in ${scope}.`, {
      hint: "`waybill vars list` shows what can be seen from there; --default gives a value instead.",
      details: { key: input.key, scope },
    });
  }
  const nothing = { revision: null, origin: null, updated_at: null, expires_at: null };
  return { key: input.key, value: input.default, format: "text", ...nothing };
};
