import { toVariableView } from "../../contracts/vars.js";
import type { CallHandler } from "../context.js";

export const listVariables: CallHandler<"vars.list"> = async (context, input) => {
  const { prefix, own, limit, after } = input;
  const scope = input.scope ?? context.settings.scope;
  const page = { prefix, own, limit, after: after ?? null };
  const variables = await (await context.store()).variables.listVariables(scope, page);
  return {
    scope,
    variables: variables.map(toVariableView),
    next: variables.length < limit ? null : (variables.at(-1)?.key ?? null),
  };
};
