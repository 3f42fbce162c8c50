import type { Dialect } from "../ssh/dialect.js";
import { POWERSHELL_BOOTSTRAP, powershellInstallLine, powershellVerbLine } from "./powershell-request.js";

/** Windows with OpenSSH's server and Windows PowerShell 5.1, which every Windows since 2016 has (docs/windows.md). */
export const POWERSHELL: Dialect = {
  language: "ps",
  bootstrap: POWERSHELL_BOOTSTRAP,
  needs: { shell: "powershell.exe", installation: null },
  verbLine: powershellVerbLine,
  installLine: powershellInstallLine,
};
