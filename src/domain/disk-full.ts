/** Whether the code of a system's error says that there is no room left: on the file system, or for this user. */
export const isDiskFull = (code: string | undefined): boolean => code === "ENOSPC" || code === "EDQUOT";
