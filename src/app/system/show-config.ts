import type { CallHandler } from "../context.js";

export const showConfig: CallHandler<"config.show"> = async (context) => ({
  settings: context.settings.all.map((setting) => ({ ...setting })),
});
