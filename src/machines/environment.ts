/** Variables of a process, as `process.env` has them. Handed in, since only `src/config` reads the real ones. */
export type Environment = Readonly<Record<string, string | undefined>>;
