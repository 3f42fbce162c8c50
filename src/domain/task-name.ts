/** What people call a task: its name in a plan, its title in an import. It is kept as a tag, so that it is listed and found. */

const MARK = "name:";

/** Of a title that is a text; characters. */
const LONGEST = 80;

/** No tag for no name. */
export function nameTag(name: string): readonly string[] {
  const [line = ""] = name.trim().split("\n");
  const characters = [...line.trim()];
  if (characters.length === 0) return [];
  return [
    `${MARK}${characters.length > LONGEST ? `${characters.slice(0, LONGEST - 1).join("")}…` : characters.join("")}`,
  ];
}

/** Null for a task without a name. */
export const nameOf = (tags: readonly string[]): string | null =>
  tags.find((tag) => tag.startsWith(MARK))?.slice(MARK.length) ?? null;
