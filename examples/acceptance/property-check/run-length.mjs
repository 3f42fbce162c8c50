/** Run-length coding: `aaab` is `[["a", 3], ["b", 1]]`. */
export function encode(text) {
  const runs = [];
  for (const character of text) {
    const last = runs.at(-1);
    if (last?.[0] === character) last[1] += 1;
    else runs.push([character, 1]);
  }
  return runs;
}

export const decode = (runs) => runs.map(([character, count]) => character.repeat(count)).join("");
