import type { CallHandler } from "../context.js";

export const removeVariables: CallHandler<"vars.rm"> = async (context, input) => {
  const { variables } = await context.store();
  const scope = input.scope ?? context.settings.scope;
  const removed = await Promise.all(
    input.key.map(async (key) => ((await variables.removeVariable(scope, key)) ? [key] : [])),
  );
  return { removed: removed.flat() };
};
